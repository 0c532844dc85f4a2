// The first screen: to whom the campaign writes, with the number of them, and a list of channels for the catalog.

import { channelList } from './channel-list.js';
import { attempt, h, say } from './dom.js';
import { filterOf } from './draft.js';
import { buttons, field, offer, picker, radios, rested, trouble, TYPING } from './forms.js';
import { t } from './language.js';
import { BATCH_OF, BATCHES, CATEGORIES, FOUND, FOUND_IN_BATCH } from './new-operations.js';
import { run } from './session.js';
import { count, plural } from './words.js';

export function whom(root, { plan, change, next, back }) {
  const chosen = plan.whom;
  const [number, some] = [h('strong', { class: 'big' }), h('p', { class: 'quiet' })];
  const told = h('p', { role: 'status' }, number);
  const problem = trouble();
  const list = channelList(() => attempt(card, load));
  const parts = [batchPart(chosen, look), filterPart(chosen, look)];
  const card = h('div', { class: 'card stack' });
  const { node: foot } = buttons(back, next, t('Next: what it says'));

  let asked = 0;
  let isLooking = null;
  let refusal = '';

  /** Asks how many these are. */
  function look() {
    change();
    const turn = ++asked;
    isLooking = found(chosen).then(
      (found) => turn === asked && show(found),
      (error) => turn === asked && refuse(error),
    );
  }

  function refuse(error) {
    plan.found = { count: 0, total: 0, some: [] };
    change();
    refusal = error.message;
    say(number, '–');
    say(some, '');
    say(problem, refusal);
  }

  function show(found) {
    plan.found = found;
    change();
    refusal = '';
    say(problem, '');
    say(number, plural(found.count, 'channel'));
    const names = found.some.slice(0, 3).map(({ username }) => `@${username}`).join(', ');
    const others = found.count > 3 ? t(' and others') : '';
    const inactive = found.total - found.count;
    const left = inactive ? ` ${t('{channels} inactive, left out.', { channels: plural(inactive, 'channel') })}` : '';
    say(some, `${names ? `${names}${others}.` : ''}${left}`);
  }

  async function load() {
    await Promise.all(parts.map((part) => part.load()));
    const kinds = radios(
      t('Send to'),
      [
        ['ALL', t('All channels'), t('Whoever is in the catalog when the campaign is made')],
        ['FILTER', t('Those that match'), t('By category, name and size'), parts[1].node],
        ['BATCH', t('A batch'), t('A fixed set of channels that was made before'), parts[0].node],
      ],
      chosen.kind,
      (kind) => {
        chosen.kind = kind;
        look();
      },
    );
    card.replaceChildren(kinds);
    look();
  }

  async function submit(event) {
    event.preventDefault();
    look(); // what was typed just now
    await isLooking;
    if (plan.found.count) return next();
    const none = chosen.kind === 'BATCH' && !chosen.batchId ? t('Choose a batch first.') : t('Nobody is found: choose others, or bring a list.');
    say(problem, refusal || none);
    problem.focus();
  }

  const lists = h('section', { class: 'card stack', 'aria-labelledby': 'bring' }, h('h2', { id: 'bring' }, t('Bring a list')), list.node);
  const sum = h('section', { class: 'card sum', 'aria-label': t('Found') }, told, some);
  const left = h('div', { class: 'stack' }, card, sum, problem);
  root.append(h('form', { class: 'beside', novalidate: true, onsubmit: submit }, left, lists, foot));
  attempt(card, load);
  return () => {
    asked = NaN; // no answer is awaited any more
    list.leave();
    parts.forEach((part) => part.leave());
  };
}

/** How many these are, and some of them. */
async function found(whom) {
  if (whom.kind === 'BATCH') {
    if (!whom.batchId) return { count: 0, total: 0, some: [] };
    const { batch } = await run(FOUND_IN_BATCH, { id: whom.batchId });
    if (!batch) return { count: 0, total: 0, some: [] };
    const { totalCount, nodes } = batch.active;
    return { count: totalCount, total: batch.channelCount, some: nodes, name: batch.name };
  }
  const filter = whom.kind === 'ALL' ? {} : filterOf(whom);
  const { all, active } = await run(FOUND, { all: filter, active: { ...filter, isActive: true } });
  return { count: active.totalCount, total: all.totalCount, some: active.nodes };
}

/** The choice of a batch. */
function batchPart(chosen, look) {
  const option = ({ id, name, channelCount }) => [id, `${name} (${count(channelCount)})`];
  const read = async (name) => {
    const { totalCount, nodes } = (await run(BATCHES, { name })).batches;
    return { totalCount, options: nodes.map(option) };
  };
  const one = async (id) => {
    const { batch } = await run(BATCH_OF, { id });
    return batch && option(batch);
  };
  const taken = (id) => {
    chosen.batchId = id;
    look();
  };
  return picker({ label: t('Batch'), prompt: t('Choose a batch'), chosen: chosen.batchId, read, one, taken });
}

/** The filter of the catalog. */
function filterPart(chosen, look) {
  const { filter } = chosen;
  const soon = rested(TYPING, look);
  const input = (key, properties) => {
    const control = h('input', { autocomplete: 'off', value: filter[key], ...properties });
    control.addEventListener('input', () => {
      filter[key] = control.value;
      soon();
    });
    return control;
  };
  const category = h('select');
  category.addEventListener('change', () => {
    filter.category = category.value;
    look();
  });
  const members = { type: 'number', min: 0, max: 2_147_483_647, step: 1, inputmode: 'numeric' };
  const node = h(
    'div',
    { class: 'fields' },
    field(t('Category'), category).node,
    field(t('Name has in it'), input('usernameContains', { maxlength: 200, autocapitalize: 'none', spellcheck: 'false' })).node,
    field(t('Members from'), input('memberCountMin', members)).node,
    field(t('Members to'), input('memberCountMax', members)).node,
  );
  async function load() {
    const { channelCategories } = await run(CATEGORIES);
    const options = channelCategories.map((one) => [one.category, `${one.category} (${count(one.activeChannelCount)})`]);
    offer(category, [['', t('Any')], ...options], filter.category);
  }
  return { node, load, leave: soon.stop };
}
