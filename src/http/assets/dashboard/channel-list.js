// A list of channels for the catalog: dropped or chosen, sent, imported, and what became of its lines.

import { freshKey, isUnanswered } from './api.js';
import { fill, h, say } from './dom.js';
import { t } from './language.js';
import { every, live } from './live.js';
import { CHANNEL_IMPORT, CHANNEL_IMPORT_PROGRESS, IMPORT_CHANNELS } from './new-operations.js';
import { run } from './session.js';
import { drop, meter, send } from './upload.js';
import { count, plural } from './words.js';

/** Bad lines that are shown at once. */
const SHOWN = 10;
/** How often the import is asked for, in milliseconds, while it can't tell by itself. */
const ASK = 2_000;
const ENDED = ['COMPLETED', 'FAILED', 'CANCELLED'];

/** The section; `changed` is called when the catalog has more channels. */
export function channelList(changed) {
  const bar = meter(t('Import of the list'));
  const [words, told] = [h('p', { class: 'quiet' }), h('p', { role: 'status' })];
  const bad = h('div');
  const place = drop({
    label: t('Drop a list here, or choose a file'),
    hint: t('JSON Lines: one channel a line, such as {example}', {
      example: '{"username": "proofzzz", "category": "news"}',
    }),
    accept: '.jsonl,.ndjson,.json,.txt',
    taken,
  });
  bar.node.hidden = true;
  const node = h('div', { class: 'stack' }, place.node, bar.node, words, told, bad);
  let stop = () => {};
  let isLeft = false;
  let unanswered = null; // an import of which nobody knows whether it has begun: `{ facts, input }`

  /** Begins the import. The same file after an answer that was lost is the same import. */
  async function begun(file) {
    const facts = `${file.name} ${file.size} ${file.lastModified}`;
    if (unanswered?.facts !== facts) {
      const uploadId = await send(file, (share) => bar.update(share / 2)); // the other half is the import
      unanswered = { facts, input: { uploadId, idempotencyKey: freshKey() } };
    }
    try {
      const { importChannels } = await run(IMPORT_CHANNELS, { input: unanswered.input });
      unanswered = null;
      return importChannels.import.id;
    } catch (error) {
      if (!isUnanswered(error)) unanswered = null;
      throw error;
    }
  }

  async function taken(file) {
    place.input.disabled = true;
    bar.node.hidden = false;
    bar.update(0);
    say(told, '');
    fill(bad);
    try {
      say(words, t('Sending {name}…', { name: file.name }));
      await followed(await begun(file));
    } catch (error) {
      say(told, error.message);
      told.className = 'bad';
    }
    bar.node.hidden = true;
    say(words, '');
    place.input.disabled = false;
  }

  /** Until the import has ended. */
  async function followed(id) {
    let last = null;
    await new Promise((resolve, reject) => {
      const next = ({ channelImportProgress: now }) => {
        last = now;
        bar.update(0.5 + Number(now.bytesRead) / Math.max(1, Number(now.bytesTotal ?? now.bytesRead)) / 2);
        say(words, t('{lines} read…', { lines: plural(now.lines, 'line') }));
        if (ENDED.includes(now.status)) resolve();
      };
      const isOver = () => last !== null && ENDED.includes(last.status);
      const leave = live.subscribe(CHANNEL_IMPORT_PROGRESS, { id }, { next, error: reject, isOver });
      // Where no socket can be had, it is asked.
      const ask = () => run(CHANNEL_IMPORT, { id }).then(({ channelImport }) => next({ channelImportProgress: channelImport }), reject);
      const stopAsking = every(ASK, () => live.state === 'live' || ask());
      stop = () => {
        leave();
        stopAsking();
      };
    });
    stop();
    if (isLeft) return;
    const { channelImport } = await run(CHANNEL_IMPORT, { id });
    show(channelImport);
    changed();
  }

  function show({ status, inserted, duplicates, invalid, errorMessage, errors }) {
    const facts = [
      t('{channels} new in the catalog', { channels: plural(inserted, 'channel') }),
      duplicates && t('{count} there already', { count: count(duplicates) }),
      invalid && t('{lines} not understood', { lines: plural(invalid, 'line') }),
    ];
    told.className = status !== 'COMPLETED' ? 'bad' : invalid ? '' : 'good';
    say(told, [`${facts.filter(Boolean).join(', ')}.`, errorMessage].filter(Boolean).join(' '));
    fill(bad, ...(errors.length ? [badLines(errors)] : []));
  }

  const leave = () => {
    isLeft = true;
    stop();
  };
  return { node, leave };
}

/** The lines that were wrong, and why; the first of them at once. */
function badLines(errors) {
  const row = ({ line, message }) => h('tr', {}, h('td', {}, count(line)), h('td', {}, message));
  const body = h('tbody', {}, errors.slice(0, SHOWN).map(row));
  const head = h('tr', {}, h('th', { scope: 'col' }, t('Line')), h('th', { scope: 'col' }, t('What is wrong')));
  const caption = h('caption', {}, t('Lines with mistakes'));
  const table = h('table', { class: 'lines' }, caption, h('thead', {}, head), body);
  const all = h('button', { type: 'button', onclick: () => {
    body.append(...errors.slice(SHOWN).map(row));
    all.remove();
  } }, t('Show all {lines}', { lines: plural(errors.length, 'line') }));
  return h('div', {}, table, errors.length > SHOWN && all);
}
