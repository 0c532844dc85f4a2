// The editor of a sequence's steps: they are changed, moved, added and removed here, and saved together as its new version.

import { confirm, fill, h, say, toast } from './dom.js';
import { busy, field, offer, trouble } from './forms.js';
import { t } from './language.js';
import { SCRIPTS, REPLACE_STEPS } from './sequence-operations.js';
import { run } from './session.js';
import { count, name } from './words.js';

const CHANNELS = ['EMAIL', 'SMS', 'CALL', 'TELEGRAM', 'WEBHOOK'];
const UNITS = ['HOURS', 'DAYS', 'WEEKS'];
const LEADS = ['NEW', 'IN_PROGRESS', 'CONTACTED', 'CONVERTED', 'DO_NOT_CONTACT'];
const BEFORE = ['SENT', 'DELIVERED', 'FAILED', 'SKIPPED', 'UNKNOWN'];
const MOST = 50;

/** `ended` is called with whether it was saved; `renew` reads the sequence again. */
export function flowEditor(sequence, ended, renew) {
  const rows = h('ol', { class: 'flow editing' });
  const [problem, told] = [trouble(), h('p', { class: 'unseen', role: 'status' })];
  const add = h('button', { type: 'button', onclick: () => insert() }, t('Add a step'));
  const save = h('button', { type: 'submit', class: 'primary' }, t('Save as the new version'));
  const back = h('button', { type: 'button', onclick: leave }, t('Back'));
  const again = h('button', { type: 'button', hidden: true, onclick: () => ended(true) }, t('Show what is there now'));
  const about = h('p', { class: 'quiet small' }, t('Who is on the way goes on by the steps of today; whoever comes after that gets the new ones.'));
  const node = h('form', { class: 'stack', novalidate: true, onsubmit: submit }, about, rows, h('div', {}, add), told, problem, h('div', { class: 'onward' }, back, again, save));
  const before = JSON.stringify(sequence.steps.map(inputOf));
  let steps = sequence.steps.map((step) => editor(step, acts));

  function acts(step) {
    const at = () => steps.indexOf(step);
    return {
      up: () => move(at(), at() - 1),
      down: () => move(at(), at() + 1),
      remove: () => remove(at()),
    };
  }

  function draw() {
    steps.forEach((step, n) => step.place(n, steps.length));
    fill(rows, ...steps.map(({ node }) => node));
    add.disabled = steps.length >= MOST;
    save.disabled = !steps.length;
  }

  function insert() {
    const last = steps.at(-1)?.read();
    steps.push(editor({ channel: last?.channel ?? 'EMAIL', delayValue: last ? 1 : 0, delayUnit: 'DAYS', isActive: true, conditions: {} }, acts));
    draw();
    steps.at(-1).focus();
  }

  function move(from, to) {
    const [step] = steps.splice(from, 1);
    steps.splice(to, 0, step);
    draw();
    step.focusMove(to < from ? 'up' : 'down');
    say(told, t('It is step {step} now.', { step: count(to + 1) }));
  }

  function remove(at) {
    steps.splice(at, 1);
    draw();
    say(told, t('Step {step} is taken out.', { step: count(at + 1) }));
    (steps[at] ?? steps.at(-1))?.focus();
    if (!steps.length) add.focus();
  }

  async function leave() {
    const isSame = JSON.stringify(steps.map((step) => step.read())) === before;
    const question = { title: t('Throw the changes away?'), sentence: t('The steps stay as they were.'), yes: t('Throw them away') };
    if (isSame || (await confirm(question))) ended(false);
  }

  async function submit(event) {
    event.preventDefault();
    say(problem, '');
    try {
      const input = { sequenceId: sequence.id, expectedVersion: sequence.version, steps: steps.map((step) => step.read()) };
      const { replaceSequenceSteps } = await busy(save, t('Saving…'), () => run(REPLACE_STEPS, { input }));
      toast([t('Saved: the new steps hold from now on.'), ...replaceSequenceSteps.warnings].join(' '));
      await ended(true);
    } catch (error) {
      blameSteps(error, steps, problem);
      again.hidden = error.code !== 'CONFLICT';
      if (error.code === 'CONFLICT') renew().catch(() => {}); // behind the editor, which keeps what was written
    }
  }

  draw();
  return { node };
}

/** Shows each mistake at the field of its step; the rest is said below. */
function blameSteps(error, steps, elsewhere) {
  const rest = [];
  let first = null;
  for (const { path, message } of error.violations?.length ? error.violations : [{ path: [], message: error.message }]) {
    const step = steps[path.map(Number).find((n) => Number.isInteger(n))];
    const place = step && path.map((name) => step.places[name]).find(Boolean);
    if (!place) rest.push(message);
    else {
      place.complain(message);
      first ??= place.control;
    }
  }
  say(elsewhere, [...new Set(rest)].join(' '));
  (first ?? elsewhere).focus();
}

/** A step as the mutation takes it. */
const inputOf = ({ id, channel, script, delayValue, delayUnit, isActive, conditions }) => ({
  id: id ?? null,
  channel,
  scriptId: script?.id ?? null,
  delayValue,
  delayUnit,
  isActive,
  conditions: {
    previousStatuses: conditions.previousStatuses ?? [],
    leadStatuses: conditions.leadStatuses ?? [],
    languages: conditions.languages ?? [],
    leadSources: conditions.leadSources ?? [],
    meta: (conditions.meta ?? []).map(({ name, value }) => ({ name, value })),
  },
});

/** A list as a field of text; what nobody has touched is given back as it was. */
function listed(list, separator, control) {
  const first = list.join(separator);
  control.value = first;
  const parted = () => control.value.split(separator.trim() || '\n').map((word) => word.trim()).filter(Boolean);
  return { control, read: () => (control.value === first ? list : parted()) };
}

/** The fields of one step. */
function editor(step, actsOf) {
  const channel = field(t('By which way'), h('select', {}, CHANNELS.map((one) => h('option', { value: one, selected: one === step.channel }, name(one)))));
  const value = field(t('Wait'), h('input', { type: 'number', min: 0, max: 8760, step: 1, inputmode: 'numeric', value: step.delayValue }));
  const unit = field(t('Unit of time'), h('select', {}, UNITS.map((one) => h('option', { value: one, selected: one === step.delayUnit }, name(one)))));
  const script = scriptField(step, channel.control);
  const active = h('input', { type: 'checkbox', checked: step.isActive });
  const conditions = conditionFields(step.conditions);
  const title = h('h3');
  const self = {};
  const acts = actsOf(self);
  const button = (label, act, kind) => h('button', { type: 'button', class: kind, onclick: acts[act] }, label);
  const moves = { up: button('↑', 'up', 'small'), down: button('↓', 'down', 'small'), remove: button(t('Remove'), 'remove', 'small danger') };
  const head = h('div', { class: 'head' }, title, h('div', { class: 'controls' }, Object.values(moves)));
  const fields = h('div', { class: 'fields' }, channel.node, value.node, unit.node, script.node);
  const check = h('label', { class: 'check' }, active, h('span', {}, t('It is done; otherwise it is left out')));
  const node = h('li', {}, h('article', { class: 'card stop' }, head, fields, conditions.node, check));
  channel.control.addEventListener('change', script.load);
  script.load();

  function place(n, all) {
    say(title, t('Step {step}', { step: count(n + 1) }));
    moves.up.disabled = n === 0;
    moves.down.disabled = n === all - 1;
    moves.up.setAttribute('aria-label', t('Move step {step} up', { step: count(n + 1) }));
    moves.down.setAttribute('aria-label', t('Move step {step} down', { step: count(n + 1) }));
    moves.remove.setAttribute('aria-label', t('Remove step {step}', { step: count(n + 1) }));
    value.node.querySelector('label').textContent = n ? t('Wait after the step before') : t('Wait after the enrollment');
  }

  const read = () => ({
    // By another way it is another step.
    id: (channel.control.value === step.channel && step.id) || null,
    channel: channel.control.value,
    scriptId: script.value() || null,
    delayValue: Number(value.control.value),
    delayUnit: unit.control.value,
    isActive: active.checked,
    conditions: conditions.read(),
  });
  const focusMove = (way) => (moves[way].disabled ? moves[way === 'up' ? 'down' : 'up'] : moves[way]).focus();
  const places = { channel, delayValue: value, delayUnit: unit, scriptId: script.field, ...conditions.places };
  return Object.assign(self, { node, place, read, places, focusMove, focus: () => channel.control.focus() });
}

/** What is said: the scripts of the way that is chosen. */
function scriptField(step, channel) {
  const select = h('select');
  const place = field(t('What it says'), select);
  let chosen = step.script?.id ?? '';
  let asked = 0;
  select.addEventListener('change', () => (chosen = select.value));

  async function load() {
    const turn = ++asked;
    const own = channel.value === step.channel && step.script ? [[step.script.id, step.script.name]] : [];
    if (channel.value !== step.channel) chosen = '';
    const first = [['', t('The default text of this way')]];
    offer(select, [...first, ...own], chosen);
    try {
      const { scripts } = await run(SCRIPTS, { channel: channel.value });
      if (turn !== asked) return;
      const others = scripts.nodes.map(({ id, name }) => [id, name]);
      const isGone = own.length && !others.some(([id]) => id === own[0][0]);
      offer(select, [...first, ...(isGone ? own : []), ...others], chosen);
    } catch (error) {
      place.complain(error.message);
    }
  }
  return { node: place.node, field: place, load, value: () => chosen };
}

/** Under which conditions it is done. */
function conditionFields(conditions) {
  const boxes = (label, constants, chosen = []) => {
    const inputs = [...new Set([...constants, ...chosen])].map((value) => h('input', { type: 'checkbox', value, checked: chosen.includes(value) }));
    const rows = inputs.map((input) => h('label', { class: 'check' }, input, h('span', {}, name(input.value))));
    const node = h('fieldset', { class: 'checks' }, h('legend', {}, label), rows);
    return { node, read: () => inputs.filter((input) => input.checked).map((input) => input.value) };
  };
  const input = () => h('input', { autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', maxlength: 400 });
  const lines = () => h('textarea', { rows: 2, class: 'short', autocapitalize: 'none', spellcheck: 'false', maxlength: 4000 });
  const before = boxes(t('The step before ended as'), BEFORE, conditions.previousStatuses);
  const leads = boxes(t('The lead is'), LEADS, conditions.leadStatuses);
  const spoken = listed(conditions.languages ?? [], ', ', input());
  const cameFrom = listed(conditions.leadSources ?? [], '\n', lines());
  const own = (conditions.meta ?? []).map(({ name, value }) => ({ name, value }));
  const pairs = listed(own.map(({ name, value }) => `${name}=${value}`), '\n', lines());
  const languages = field(t('It speaks'), spoken.control, t('Languages such as en, ru; with commas between them.'));
  const sources = field(t('It came from'), cameFrom.control, t('Sources, one on each line.'));
  const meta = field(t('Its own fields are'), pairs.control, t('Such as plan=gold, one on each line.'));
  const pair = (text) => {
    const [name, ...value] = text.split('=');
    return { name: name.trim(), value: value.join('=').trim() };
  };
  const first = pairs.read();
  const read = () => ({
    previousStatuses: before.read(),
    leadStatuses: leads.read(),
    languages: spoken.read(),
    leadSources: cameFrom.read(),
    meta: pairs.read() === first ? own : pairs.read().map(pair),
  });
  const isSome = Object.values(read()).some((list) => list.length);
  const groups = h('div', { class: 'fields' }, before.node, leads.node);
  const texts = h('div', { class: 'fields' }, languages.node, sources.node, meta.node);
  const hint = h('p', { class: 'hint' }, t('Whoever is not like that is passed by, and goes on to the next step.'));
  const node = h('details', { class: 'conditions', open: isSome }, h('summary', {}, t('Only under conditions')), h('div', { class: 'stack' }, hint, groups, texts));
  return { node, read, places: { languages, leadSources: sources, meta } };
}
