// The catalog: channels with search, lists that are brought, and batches of them.

import { batchList } from './batch-list.js';
import { CATALOG, UPDATE_CHANNEL } from './catalog-operations.js';
import { channelList } from './channel-list.js';
import { attempt, fill, h, list, notice, say, toast } from './dom.js';
import { field, offer, rested, TYPING } from './forms.js';
import { t } from './language.js';
import { live } from './live.js';
import { pager, range } from './pages.js';
import { pill } from './progress.js';
import { RUNS_CAMPAIGNS } from './roles.js';
import { run, user } from './session.js';
import { count, plural } from './words.js';

const ORDERS = { USERNAME: [t('By name'), 'ASC'], MEMBER_COUNT: [t('The largest first'), 'DESC'], CREATED_AT: [t('The newest first'), 'DESC'] };

export function catalog(root, { query }) {
  document.title = `${t('Catalog')} · Herald`;
  const role = user().role;
  const mayMake = RUNS_CAMPAIGNS.includes(role);
  const place = { search: query.get('search') ?? '', category: query.get('category') ?? '', state: query.get('state') ?? '', order: 'USERNAME' };
  const body = h('div', { class: 'listed' });
  const lines = h('tbody');
  const shown = list(lines, (channel) => row(channel, role === 'ADMIN', again));
  const head = h('tr', {}, [t('Channel'), t('Category'), t('Members'), t('State')].map((label) => h('th', { scope: 'col' }, label)));
  const table = h('table', { class: 'found' }, h('caption', { class: 'unseen' }, t('Channels')), h('thead', {}, head), lines);
  const sum = h('p', { class: 'quiet', role: 'status' });
  const pages = pager(go);
  const category = choice('category', [['', t('Any')]]);
  const state = choice('state', [['', t('All')], ['active', t('Active')], ['inactive', t('Inactive')]]);
  const order = choice('order', Object.entries(ORDERS).map(([value, [label]]) => [value, label]));
  const search = h('input', { type: 'search', maxlength: 200, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', value: place.search });
  const filters = h(
    'div',
    { class: 'fields filters' },
    field(t('Name has in it'), search).node,
    field(t('Category'), category).node,
    field(t('State'), state).node,
    field(t('Order'), order).node,
  );
  const channels = h('section', { class: 'card', 'aria-labelledby': 'channels' }, h('h2', { id: 'channels', class: 'unseen' }, t('Channels')), filters, body);
  const batches = batchList(() => filterOf(place), mayMake);
  const lists = channelList(() => load().catch(() => {}));
  let asked = 0;

  function choice(key, options) {
    const select = h('select', {}, options.map(([value, label]) => h('option', { value, selected: value === place[key] }, label)));
    select.addEventListener('change', () => go({ [key]: select.value }));
    return select;
  }

  function go(to) {
    Object.assign(place, { after: null, before: null }, to);
    const known = Object.entries(place).filter(([key, value]) => value && ['search', 'category', 'state'].includes(key));
    history.replaceState(null, '', `#/catalog${known.length ? `?${new URLSearchParams(known)}` : ''}`);
    return attempt(body, load);
  }

  async function load() {
    const turn = ++asked;
    const orderBy = { field: place.order, direction: ORDERS[place.order][1] };
    const { channels, channelCategories } = await run(CATALOG, { filter: filterOf(place), orderBy, ...range(place) });
    if (turn !== asked) return; // another one has been asked for meanwhile
    offer(category, [['', t('Any')], ...channelCategories.map((one) => [one.category, `${one.category} (${count(one.channelCount)})`])], place.category);
    shown.show(channels.nodes);
    pages.update(channels.pageInfo);
    say(sum, plural(channels.totalCount, 'channel'));
    batches.found(channels.totalCount);
    const isAny = channelCategories.length > 0;
    const none = () => (isAny ? notice('empty', t('Nothing here'), t('No channel is like that.')) : notice('empty', t('No channels yet'), t('Bring a list, and they are here.')));
    fill(body, ...(channels.nodes.length ? [sum, table, pages.node] : [none()]));
  }

  function again() {
    return load().catch(() => {}); // what is shown stays until the server can be reached again
  }
  const typed = rested(TYPING, () => go({ search: search.value.trim() }));
  search.addEventListener('input', typed);
  const brought = h('section', { class: 'card stack', 'aria-labelledby': 'bring' }, h('h2', { id: 'bring' }, t('Bring a list')), lists.node);
  root.append(h('div', { class: 'head' }, h('h1', {}, t('Catalog'))), channels, h('div', { class: 'below' }, mayMake && brought, batches.node));
  attempt(body, load);
  live.addEventListener('return', again);
  return () => {
    asked = NaN; // no answer is awaited any more
    typed.stop();
    lists.leave();
    batches.stop();
    live.removeEventListener('return', again);
  };
}

/** The filter of the API for what is chosen. */
function filterOf({ search, category, state }) {
  return {
    ...(search && { usernameContains: search }),
    ...(category && { category }),
    ...(state && { isActive: state === 'active' }),
  };
}

function row(channel, mayChange, changed) {
  const [title, username, category, members] = [h('span'), h('span', { class: 'quiet' }), h('td'), h('td')];
  const [state, why] = [pill(), h('span', { class: 'bad small' })];
  const button = h('button', { type: 'button', class: 'small', onclick: turn });
  const node = h('tr', {}, h('th', { scope: 'row' }, h('div', { class: 'called' }, title, username)), category, members, h('td', {}, h('div', { class: 'controls' }, state.node, mayChange && button), why));
  let current = channel;

  async function turn() {
    button.disabled = true;
    try {
      await run(UPDATE_CHANNEL, { input: { id: current.id, isActive: !current.isActive, expectedVersion: current.version } });
    } catch (error) {
      toast(error.message, 'error');
    }
    button.disabled = false;
    await changed();
  }

  const update = (next) => {
    current = next;
    say(title, next.title || `@${next.username}`);
    say(username, next.title ? `@${next.username}` : '');
    say(category, next.category);
    say(members, next.memberCount === null ? '–' : count(next.memberCount));
    state.update(next.isActive ? 'ACTIVE' : 'DISABLED');
    say(why, next.lastError ?? '');
    say(button, next.isActive ? t('Leave it out') : t('Take it in'));
    button.setAttribute('aria-label', `${button.textContent}: @${next.username}`);
  };
  return { node, update };
}
