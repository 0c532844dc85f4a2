// The second screen: what the campaign says, with its preview on a channel that gets it.

import { attempt, fill, h, say } from './dom.js';
import { saveTemplate } from './draft.js';
import { blame, busy, buttons, field, offer, picker, radios, trouble } from './forms.js';
import { t } from './language.js';
import { preview } from './new-preview.js';
import { TEMPLATE_OF, TEMPLATES } from './new-operations.js';
import { run } from './session.js';
import { drop, meter, send } from './upload.js';

/** What each channel fills in. */
const KNOWN = ['username', 'title', 'channel_name', 'category', 'member_count'];

export function what(root, { plan, change, next, back }) {
  const chosen = plan.what;
  const card = h('div', { class: 'card stack' });
  const values = placeholders(chosen, changed);
  const problem = trouble();
  const { node: foot, onward } = buttons(back, next, t('Next: how it is sent'));
  let edits = 0;
  let isWaiting = false;
  let isLeft = false;
  const [text, pick] = [textPart(chosen, changed, hold), templatePart(chosen, changed)];
  const view = preview(plan, asked, heard);

  function asked() {
    const { kind, templateId, content, parseMode, media, params } = chosen;
    if (kind === 'TEMPLATE') return { templateId: templateId || null, params, media: pick.media() };
    return { content, parseMode, media, params };
  }

  /** What was found out about the text: what has to be given, or what is wrong with it. */
  function heard(found, error) {
    if (error) return blame(error, text.places, problem, true);
    say(problem, '');
    text.places.content.complain('');
    values.show(found);
  }

  /** A file that is still on its way belongs to the text. */
  function hold(isHeld) {
    isWaiting = isHeld;
    onward.disabled = isHeld;
  }

  function changed() {
    if (isLeft) return;
    edits += 1;
    plan.what.isDone = false;
    change();
    view.soon();
  }

  async function load() {
    await pick.load();
    if (isLeft) return;
    if (chosen.kind === 'TEMPLATE') view.soon(); // what is attached to it is known now
    const kinds = radios(
      t('Text'),
      [
        ['TEXT', t('Write a text'), t('It is saved as a template, for the next time'), text.node],
        ['TEMPLATE', t('Use a template'), t('A text that was saved before'), pick.node],
      ],
      chosen.kind,
      (kind) => {
        chosen.kind = kind;
        changed();
      },
    );
    card.replaceChildren(kinds);
  }

  async function submit(event) {
    event.preventDefault();
    if (isWaiting) return;
    say(problem, '');
    if (chosen.kind === 'TEMPLATE' && !chosen.templateId) return pick.complain(t('Choose a template first.'));
    if (values.complain()) return;
    try {
      const saved = edits;
      await busy(onward, t('Saving…'), () => saveTemplate(plan));
      onward.disabled = isWaiting;
      if (isLeft || isWaiting || edits !== saved) return; // it is another text by now
      plan.what.isDone = true;
      next();
    } catch (error) {
      blame(error, text.places, problem);
    }
  }

  const left = h('div', { class: 'stack' }, card, values.node, problem);
  root.append(h('form', { class: 'beside', novalidate: true, onsubmit: submit }, left, view.node, foot));
  attempt(card, load);
  return () => {
    isLeft = true;
    view.leave();
    pick.leave();
    text.leave();
  };
}

/** The choice of a template. */
function templatePart(chosen, changed) {
  const kinds = new Map();
  const read = async (name) => {
    const { totalCount, nodes } = (await run(TEMPLATES, { name })).templates;
    nodes.forEach(({ id, mediaType }) => kinds.set(id, mediaType));
    return { totalCount, options: nodes.map(({ id, name }) => [id, name]) };
  };
  const one = async (id) => {
    const { template } = await run(TEMPLATE_OF, { id });
    if (template) kinds.set(id, template.mediaType);
    return template && [id, template.name];
  };
  const taken = (id) => {
    chosen.templateId = id;
    changed();
  };
  const part = picker({ label: t('Template'), prompt: t('Choose a template'), chosen: chosen.templateId, read, one, taken });
  const media = () => {
    const type = kinds.get(chosen.templateId);
    return type ? { type } : null;
  };
  const complain = (sentence) => {
    part.complain(sentence);
    part.control.focus();
  };
  return { ...part, media, complain };
}

/** The text that is written here. */
function textPart(chosen, changed, hold) {
  const name = h('input', { maxlength: 200, autocomplete: 'off', value: chosen.name });
  const content = h('textarea', { rows: 8 });
  content.value = chosen.content;
  const format = h('select');
  offer(format, [['PLAIN', t('Plain text')], ['HTML', t('With Telegram’s HTML tags')]], chosen.parseMode);
  const take = () => {
    Object.assign(chosen, { name: name.value, content: content.value, parseMode: format.value });
    changed();
  };
  for (const control of [name, content, format]) control.addEventListener('input', take);
  const insert = (placeholder) => {
    content.setRangeText(`{{ ${placeholder} }}`, content.selectionStart, content.selectionEnd, 'end');
    content.focus();
    take();
  };
  const button = (known) => h('button', { type: 'button', class: 'small', onclick: () => insert(known) }, known);
  const help = h('div', { class: 'insert', role: 'group', 'aria-label': t('Put in what the channel fills in') }, KNOWN.map(button));
  const places = {
    name: field(t('Name of the template'), name, t('For you and your colleagues; nobody else sees it.')),
    content: field(t('Text'), content),
    parseMode: field(t('Format'), format),
  };
  const media = mediaPart(chosen, changed, hold);
  places.mediaUploadId = places.mediaType = media;
  const node = h('div', { class: 'stack' }, places.content.node, help, places.parseMode.node, media.node, places.name.node);
  return { node, places, leave: media.leave };
}

/** What is attached; `hold` is told whether a file is on its way. */
function mediaPart(chosen, changed, hold) {
  const bar = meter(t('Upload'));
  bar.node.hidden = true;
  const mistake = h('p', { class: 'mistake', role: 'alert' });
  const attached = h('p', { class: 'chosen' });
  const place = drop({
    label: t('Attach a picture, a film or a file'),
    hint: t('If you like: drop it here, or choose it'),
    taken,
  });

  let turn = 0;
  async function taken(file) {
    const mine = ++turn; // of two files the later one is meant
    say(mistake, '');
    bar.update(0);
    bar.node.hidden = false;
    hold(true);
    try {
      const uploadId = await send(file, (share) => mine === turn && bar.update(share));
      if (mine !== turn) return;
      const type = { image: 'PHOTO', video: 'VIDEO' }[file.type.split('/')[0]] ?? 'DOCUMENT';
      chosen.media = { uploadId, type, name: file.name };
      draw();
      changed();
    } catch (error) {
      if (mine === turn) say(mistake, error.message);
    }
    if (mine !== turn) return;
    bar.node.hidden = true;
    hold(false);
  }

  function draw() {
    place.node.hidden = Boolean(chosen.media);
    attached.hidden = !chosen.media;
    if (!chosen.media) return;
    const remove = h('button', { type: 'button', class: 'small', onclick: removed }, t('Remove'));
    fill(attached, h('span', {}, t('Attached: {name}', { name: chosen.media.name })), remove);
  }

  function removed() {
    chosen.media = null;
    draw();
    place.input.focus();
    changed();
  }

  draw();
  const node = h('div', { class: 'field' }, place.node, bar.node, attached, mistake);
  return { node, control: place.input, complain: (sentence = '') => say(mistake, sentence), leave: () => (turn = NaN) };
}

/** Values for what no channel fills in. */
function placeholders(chosen, changed) {
  const fields = new Map();
  const rows = h('div', { class: 'fields' });
  const title = h('h2', { id: 'values' }, t('Values'));
  const node = h('section', { class: 'card stack', 'aria-labelledby': 'values', hidden: true }, title, rows);

  function make(name) {
    const input = h('input', { autocomplete: 'off', value: chosen.params[name] ?? '' });
    input.addEventListener('input', () => {
      if (input.value) chosen.params[name] = input.value;
      else delete chosen.params[name];
      changed();
    });
    return field(name, input);
  }

  let lacking = [];
  let shown = [];

  /** Those that are missing, and those that were given. What the text has no more is forgotten. */
  function show({ placeholders, missingPlaceholders }) {
    lacking = missingPlaceholders;
    const names = placeholders.filter((name) => lacking.includes(name) || name in chosen.params);
    chosen.params = Object.fromEntries(Object.entries(chosen.params).filter(([name]) => names.includes(name)));
    for (const name of names) {
      if (!fields.has(name)) fields.set(name, make(name));
      else if (!shown.includes(name)) fields.get(name).control.value = chosen.params[name] ?? ''; // it was forgotten meanwhile
    }
    shown = names;
    fill(rows, ...names.map((name) => fields.get(name).node));
    node.hidden = names.length === 0;
  }

  /** Whether one is missing; it says so at the field. */
  function complain() {
    lacking.forEach((name) => fields.get(name).complain(t('A value is needed.')));
    fields.get(lacking[0])?.control.focus();
    return lacking.length > 0;
  }
  return { node, show, complain };
}
