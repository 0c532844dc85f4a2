// The list of campaigns, live.

import { campaignRow, follower } from './campaign-row.js';
import { attempt, fill, h, list, notice } from './dom.js';
import { t } from './language.js';
import { every, live } from './live.js';
import { CAMPAIGNS } from './operations.js';
import { chips, pager, range } from './pages.js';
import { makeOne } from './roles.js';
import { run } from './session.js';

const STATES = ['ALL', 'RUNNING', 'PAUSED', 'QUEUED', 'COMPLETED', 'FAILED', 'CANCELLED'];
/** How often the list is read again, in milliseconds: the API tells of no new campaigns. */
const FRESH = 10_000;
/** How long somebody who types is left alone, in milliseconds. */
const TYPING = 300;

export function campaigns(root, { query }) {
  document.title = `${t('Campaigns')} · Herald`;
  // Where the reader is. The address has it too, so that it can be come back to.
  const place = { status: query.get('status') ?? 'ALL', name: query.get('name') ?? '', after: query.get('after') };
  place.before = query.get('before');

  const body = h('div');
  const rows = h('ul', { class: 'campaigns card' });
  const shown = list(rows, campaignRow);
  const followed = follower((id, progress) => {
    shown.row(id)?.progress(progress);
    if (progress.status !== 'RUNNING') load().catch(() => {}); // its dates, and the reason of a pause
  });
  const states = chips(t('Campaigns by state'), STATES, place.status, (status) => go({ status }));
  const pages = pager(go);
  const label = t('Search by name');
  const search = h('input', { type: 'search', placeholder: label, 'aria-label': label });
  search.value = place.name;

  function go(to) {
    Object.assign(place, { after: null, before: null }, to);
    const known = Object.entries(place).filter(([, value]) => value && value !== 'ALL');
    history.replaceState(null, '', `#/campaigns${known.length ? `?${new URLSearchParams(known)}` : ''}`);
    attempt(body, load);
  }

  let asked = 0;
  async function load() {
    const turn = ++asked;
    const name = place.name || null;
    const filter = { nameContains: name, statuses: place.status === 'ALL' ? null : [place.status] };
    const { page, ...counts } = await run(CAMPAIGNS, { filter, name, ...range(place) });
    if (turn !== asked) return; // another one has been asked for meanwhile
    states.update(Object.fromEntries(STATES.map((state) => [state, counts[state].totalCount])));
    pages.update(page.pageInfo);
    shown.show(page.nodes);
    followed(page.nodes.filter(({ status }) => status === 'RUNNING').map(({ id }) => id));
    fill(body, page.nodes.length ? rows : empty(place), pages.node);
  }

  let typing;
  search.addEventListener('input', () => {
    clearTimeout(typing);
    typing = setTimeout(() => go({ name: search.value.trim() }), TYPING);
  });
  const tools = h('div', { class: 'controls' }, search, makeOne());
  root.append(h('div', { class: 'head' }, h('h1', {}, t('Campaigns')), tools), states.node, body);
  attempt(body, load);

  const again = () => load().catch(() => {}); // what is shown stays until the server can be reached again
  const stopReading = every(FRESH, again);
  live.addEventListener('return', again);
  return () => {
    asked = NaN; // no answer is awaited any more
    clearTimeout(typing);
    stopReading();
    live.removeEventListener('return', again);
    followed([]);
  };
}

function empty({ status, name }) {
  if (name || status !== 'ALL') {
    return notice('empty', t('Nothing here'), t('No campaign is like that. Look among all of them, or search for another name.'));
  }
  return notice('empty', t('No campaigns yet'), t('A campaign sends one text to many channels.'), makeOne());
}
