// Batches: fixed sets of channels, made of what the catalog shows, and deleted.

import { CATALOG_BATCHES, CREATE_BATCH, DELETE_BATCH } from './catalog-operations.js';
import { attempt, confirm, fill, h, list, say, toast } from './dom.js';
import { blame, busy, field, rested, trouble, TYPING } from './forms.js';
import { t } from './language.js';
import { once } from './once.js';
import { pager, range } from './pages.js';
import { run } from './session.js';
import { plural, time } from './words.js';

/** The section; `filter` gives the catalog's filter, `found` is told how many it finds. */
export function batchList(filter, mayMake) {
  const make = once();
  const body = h('div');
  const rows = h('ul', { class: 'lined' });
  const shown = list(rows, (batch) => row(batch, mayMake, load));
  const pages = pager(go);
  const search = h('input', { type: 'search', maxlength: 200, placeholder: t('Search by name'), 'aria-label': t('Search batches by name') });
  const label = field(t('Name of the batch'), h('input', { maxlength: 200, autocomplete: 'off', required: true }));
  const [problem, button] = [trouble(), h('button', { class: 'primary', type: 'submit' })];
  let place = {};
  let asked = 0;

  function go(to) {
    place = to;
    return attempt(body, load);
  }

  async function load() {
    const turn = ++asked;
    const { batches } = await run(CATALOG_BATCHES, { name: search.value.trim() || null, ...range(place) });
    if (turn !== asked) return;
    shown.show(batches.nodes);
    pages.update(batches.pageInfo);
    fill(body, batches.nodes.length ? rows : h('p', { class: 'quiet' }, t('No batch. A campaign writes to one.')), pages.node);
  }

  async function submit(event) {
    event.preventDefault();
    say(problem, '');
    const chosen = filter();
    const input = { name: label.control.value.trim(), ...(Object.keys(chosen).length ? { filter: chosen } : { all: true }) };
    try {
      const { createBatch } = await busy(button, t('Saving…'), () => make(input, (input) => run(CREATE_BATCH, { input })));
      toast(t('The batch has {channels}.', { channels: plural(createBatch.batch.channelCount, 'channel') }));
      label.control.value = '';
      await go({});
    } catch (error) {
      blame(error, { name: label }, problem);
    }
  }

  const typed = rested(TYPING, () => go({}));
  search.addEventListener('input', typed);
  attempt(body, load);
  const form = mayMake && h('form', { class: 'stack', novalidate: true, onsubmit: submit }, label.node, problem, h('div', {}, button));
  const head = h('div', { class: 'head' }, h('h2', { id: 'batches' }, t('Batches')), search);
  const node = h('section', { class: 'card stack', 'aria-labelledby': 'batches' }, head, body, form);
  const found = (number) => {
    if (!button.disabled) say(button, t('Make a batch of these {channels}', { channels: plural(number, 'channel') }));
  };
  found(0);
  const stop = () => {
    asked = NaN; // no answer is awaited any more
    typed.stop();
  };
  return { node, found, stop };
}

function row(batch, mayMake, changed) {
  const [title, facts] = [h('strong'), h('span', { class: 'quiet small' })];
  const button = h('button', { type: 'button', class: 'small danger', onclick: remove }, t('Delete'));
  const node = h('li', {}, h('div', {}, title, facts), mayMake && button);
  let current = batch;

  async function remove() {
    const question = { title: t('Delete the batch “{name}”?', { name: current.name }), sentence: t('Its channels stay in the catalog.'), yes: t('Delete the batch'), isGrave: true };
    if (!(await confirm(question))) return;
    try {
      await busy(button, null, () => run(DELETE_BATCH, { id: current.id }));
      await changed();
    } catch (error) {
      toast(error.message, 'error');
    }
  }
  const update = (next) => {
    current = next;
    say(title, next.name);
    say(facts, `${plural(next.channelCount, 'channel')} · ${time(next.createdAt)}`);
    button.setAttribute('aria-label', t('Delete the batch “{name}”', { name: next.name }));
  };
  return { node, update };
}
