// One sequence: its steps as a picture with the leads on it, live; what can be done to it; and its editor.

import { closed } from './api.js';
import { attempt, confirm, fill, h, notice, say, toast } from './dom.js';
import { flow } from './flow.js';
import { flowEditor } from './flow-edit.js';
import { busy, trouble } from './forms.js';
import { t } from './language.js';
import { every, live } from './live.js';
import { once } from './once.js';
import { pill } from './progress.js';
import { RUNS_CAMPAIGNS } from './roles.js';
import { ACTIVATE, ARCHIVE, FUNNEL, PAUSE, SEQUENCE, SEQUENCE_PROGRESS } from './sequence-operations.js';
import { run, user } from './session.js';
import { enrolled, figuresOf } from './ways.js';
import { count, plural } from './words.js';

/** How often answers and conversions are read again, in milliseconds: no event tells of them. */
const FRESH = 15_000;
const ENROLLED = ['ACTIVE', 'PAUSED', 'COMPLETED', 'CONVERTED', 'CANCELLED'];

export function sequence(root, { id }) {
  const body = h('div');
  let page = null;
  let known = null;
  let asked = 0;
  let leave = () => {};

  async function load() {
    const turn = ++asked;
    const { retentionSequence: found } = await run(SEQUENCE, { id });
    if (turn !== asked) return;
    if (!found) {
      const back = h('a', { class: 'button', href: '#/sequences' }, t('All sequences'));
      return fill(body, notice('missing', t('There is no such sequence'), t('It may have been deleted.'), back));
    }
    document.title = `${found.name} · Herald`;
    if (!page) {
      page = sequencePage(load);
      fill(body, page.node);
    }
    const isFirst = !known;
    known = found;
    page.update(found);
    await answers();
    if (isFirst && turn === asked) leave = live.subscribe(SEQUENCE_PROGRESS, { id }, { next: told, isOver });
  }

  const isOver = () => known.status === 'ARCHIVED' && !enrolled(known.enrollmentCounts, 'ACTIVE');

  /** Takes an event. Other steps than those that are shown are read with all that belongs to them. */
  function told({ sequenceProgress: { status, enrollments, sequence } }) {
    if (!known) return;
    const isOther = sequence.stepsVersion !== known.stepsVersion;
    const counts = new Map(sequence.steps.map((step) => [step.id, step.executionCounts]));
    const steps = known.steps.map((step) => ({ ...step, executionCounts: counts.get(step.id) ?? step.executionCounts }));
    known = { ...known, status, pauseReason: sequence.pauseReason, version: sequence.version, enrollmentCounts: enrollments, steps };
    page.update(known);
    if (isOther) load().catch(() => {});
  }

  async function answers() {
    const { sequenceFunnel } = await run(FUNNEL, { id, from: known.createdAt });
    page.answers(sequenceFunnel.steps, known.stepsVersion);
  }

  const again = () => load().catch(() => {}); // what is shown stays until the server can be reached again
  root.append(h('p', {}, h('a', { href: '#/sequences', class: 'back' }, `← ${t('Sequences')}`)), body);
  attempt(body, load);
  const stopReading = every(FRESH, () => known && answers().catch(() => {}));
  live.addEventListener('return', again);
  return () => {
    asked = NaN; // no answer is awaited any more
    leave();
    stopReading();
    live.removeEventListener('return', again);
  };
}

/** The page; `changed` reads it again. */
function sequencePage(changed) {
  const [title, about, why] = [h('h1'), h('p', { class: 'quiet' }), h('p', { class: 'why' })];
  const [state, problem, notes, earlier] = [pill(), trouble(), h('ul', { class: 'notes' }), h('p', { class: 'quiet small' })];
  const numbers = Object.fromEntries(ENROLLED.map((status) => [status, h('dd', {}, '0')]));
  const tile = (status) => h('div', { 'data-status': status }, h('dt', {}, LEADS[status]), numbers[status]);
  const tiles = h('dl', { class: 'tiles five' }, ENROLLED.map(tile));
  const picture = flow();
  const place = h('div', {}, picture.node, earlier);
  const edit = h('button', { type: 'button', onclick: change }, t('Change the steps'));
  const acts = actions(changed, problem, notes);
  const mayWrite = RUNS_CAMPAIGNS.includes(user().role);
  const controls = h('div', { class: 'controls', role: 'group', 'aria-label': t('What can be done') }, mayWrite && [...acts.nodes, edit]);
  const head = h('div', { class: 'head' }, h('div', {}, title, state.node), controls);
  const leads = h('section', { class: 'card', 'aria-labelledby': 'leads-in' }, h('h2', { id: 'leads-in' }, t('Leads in it')), tiles);
  const steps = h('section', { class: 'block', 'aria-labelledby': 'steps' }, h('h2', { id: 'steps', tabindex: '-1' }, t('Steps')), place);
  const node = h('article', { class: 'campaign' }, head, about, why, problem, notes, leads, steps);
  let sequence;

  function change() {
    edit.hidden = true;
    const ended = async (isSaved) => {
      edit.hidden = false;
      say(problem, ''); // it was about the steps of before
      fill(place, picture.node, earlier);
      edit.focus();
      if (isSaved) await changed();
    };
    fill(place, flowEditor(sequence, ended, changed).node);
    place.querySelector('select, button').focus();
  }

  function update(next) {
    sequence = next;
    say(title, next.name);
    state.update(next.status);
    say(about, [audience(next), next.campaign && t('by the hours of “{name}”', { name: next.campaign.name }), next.description].filter(Boolean).join(' · '));
    say(why, next.pauseReason ? closed(next.pauseReason) : '');
    for (const status of ENROLLED) say(numbers[status], count(enrolled(next.enrollmentCounts, status)));
    acts.update(next);
    edit.disabled = next.status === 'ARCHIVED';
    picture.update(next);
  }

  /** What leads answered; who is still on steps of an earlier version. */
  function answers(steps, version) {
    picture.answers(steps);
    const old = steps.filter(({ stepsVersion }) => stepsVersion < version);
    const left = old.reduce((sum, { executions }) => sum + figuresOf(executions).waiting, 0);
    say(earlier, left ? t('{leads} still go through the earlier steps.', { leads: plural(left, 'lead') }) : '');
  }
  return { node, update, answers };
}

const LEADS = {
  ACTIVE: t('On the way'),
  PAUSED: t('Held'),
  COMPLETED: t('Through'),
  CONVERTED: t('Converted'),
  CANCELLED: t('Taken out'),
};

/** Who gets into it. */
function audience({ triggerType, triggerConfig: { source, minAgeHours } }) {
  const from = source ? ` ${t('from {source}', { source })}` : '';
  if (triggerType === 'NEW_LEAD') return `${t('Each new lead')}${from}`;
  if (triggerType === 'NO_CONVERSION') return `${t('Who has not bought after {hours}', { hours: plural(minAgeHours, 'hour') })}${from}`;
  return t('Whom somebody puts in');
}

/** The buttons that change its state; a refusal is said at `problem`, a warning in `notes`. */
function actions(changed, problem, notes) {
  const press = once();
  const activate = h('button', { type: 'button', class: 'primary', onclick: () => act(activate, start) }, t('Activate'));
  const pause = h('button', { type: 'button', onclick: () => act(pause, hold) }, t('Pause'));
  const archive = h('button', { type: 'button', class: 'danger', onclick: () => act(archive, end) }, t('Archive'));
  let sequence;

  async function start() {
    const { activateRetentionSequence } = await press({ id: sequence.id }, (input) => run(ACTIVATE, { input }));
    fill(notes, ...activateRetentionSequence.warnings.map((warning) => h('li', {}, closed(warning))));
    toast(t('Active: leads go through it.'));
  }

  async function hold() {
    await run(PAUSE, { input: { id: sequence.id } });
    toast(t('Paused. No further step starts.'));
  }

  async function end() {
    const onWay = enrolled(sequence.enrollmentCounts, 'ACTIVE') + enrolled(sequence.enrollmentCounts, 'PAUSED');
    const question = {
      title: t('Archive “{name}” for good?', { name: sequence.name }),
      sentence: t('{leads} are taken out of it, and it can’t be activated again. What was done stays to be seen.', { leads: plural(onWay, 'lead') }),
      yes: t('Archive the sequence'),
      isGrave: true,
    };
    if (await confirm(question)) await run(ARCHIVE, { input: { id: sequence.id } });
  }

  async function act(button, work) {
    say(problem, '');
    fill(notes);
    try {
      await busy(button, null, work);
      await changed();
    } catch (error) {
      say(problem, error.message);
      problem.focus();
    }
  }

  function update(next) {
    sequence = next;
    activate.hidden = !['DRAFT', 'PAUSED'].includes(next.status);
    pause.hidden = next.status !== 'ACTIVE';
    archive.hidden = next.status === 'ARCHIVED';
  }
  return { nodes: [activate, pause, archive], update };
}
