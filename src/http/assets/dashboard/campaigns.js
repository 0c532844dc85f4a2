// The list of campaigns, live.

import { attempt, fill, h, list, notice, say } from './dom.js';
import { every, live } from './live.js';
import { CAMPAIGNS } from './operations.js';
import { chips, pager, range } from './pages.js';
import { bar, done, follow, isEnded, lasted, pill, share } from './progress.js';
import { run } from './session.js';
import { count, duration, plural, time } from './words.js';

const STATES = ['ALL', 'RUNNING', 'PAUSED', 'QUEUED', 'COMPLETED', 'FAILED', 'CANCELLED'];
/** How often the list is read again, in milliseconds: the API tells of no new campaigns. */
const FRESH = 10_000;
/** How long somebody who types is left alone, in milliseconds. */
const TYPING = 300;

export function campaigns(root, { query }) {
  document.title = 'Campaigns · Herald';
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
  const states = chips('Campaigns by state', STATES, place.status, (status) => go({ status }));
  const pages = pager(go);
  const search = h('input', { type: 'search', placeholder: 'Search by name', 'aria-label': 'Search by name' });
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
  root.append(h('div', { class: 'head' }, h('h1', {}, 'Campaigns'), search), states.node, body);
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

/** Follows exactly the campaigns that it was last called with. */
function follower(next) {
  const stops = new Map();
  return (ids) => {
    for (const [id, stop] of stops) {
      if (ids.includes(id)) continue;
      stop();
      stops.delete(id);
    }
    for (const id of ids) if (!stops.has(id)) stops.set(id, follow(id, (progress) => next(id, progress)));
  };
}

function empty({ status, name }) {
  if (name || status !== 'ALL') {
    return notice('empty', 'Nothing here', 'No campaign is like that. Look among all of them, or search for another name.');
  }
  const link = h('a', { class: 'button', href: '/graphiql' }, 'Open GraphiQL');
  return notice('empty', 'No campaigns yet', 'Create the first one by the API: with createBroadcastCampaign in GraphiQL.', link);
}

function campaignRow({ id }) {
  const parts = { title: h('strong'), mode: h('span', { class: 'tag' }), about: h('span', { class: 'quiet' }) };
  parts.badge = h('span', { class: 'tag grave' });
  const numbers = { text: h('span'), failed: h('span', { class: 'bad' }), percent: h('strong') };
  const pace = { first: h('strong'), second: h('span', { class: 'quiet' }) };
  const [meter, status] = [bar(), pill()];
  const link = h(
    'a',
    { href: `#/campaigns/${id}` },
    h('span', { class: 'what' }, h('span', { class: 'name' }, parts.title, parts.mode, parts.badge), parts.about),
    h('span', { class: 'how-far' }, meter.node, h('span', {}, numbers.text, numbers.failed, numbers.percent)),
    h('span', { class: 'pace' }, pace.first, pace.second),
    status.node,
  );
  let campaign;

  function draw(counters) {
    const { text, percent } = share(counters, campaign.status);
    meter.update(counters);
    say(numbers.text, counters.total ? text : plural(campaign.totalJobs, 'channel'));
    say(numbers.failed, counters.failed && !isEnded(campaign.status) ? `${count(counters.failed)} failed` : '');
    say(numbers.percent, counters.total ? percent : '');
  }

  function update(next) {
    if (campaign && next.counters.version < campaign.counters.version) return; // an event has told more already
    const wasRunning = campaign?.status === 'RUNNING';
    campaign = next;
    say(parts.title, next.name);
    say(parts.mode, next.mode === 'TEST' ? 'Test' : '');
    const isStopped = next.pausedBy === 'HERALD';
    const made = `${next.batch?.name ?? 'deleted batch'} · ${next.template?.name ?? 'deleted template'}`;
    say(parts.badge, isStopped ? 'Paused by itself' : '');
    say(parts.about, isStopped ? next.pauseReason : made);
    status.update(next.status);
    draw(next.counters);
    if (next.status === 'RUNNING' && wasRunning) return; // its events tell the pace
    const [first, second] = unhurried(next);
    say(pace.first, first);
    say(pace.second, second);
  }

  function progress(event) {
    if (event.version < campaign.counters.version) return;
    campaign = { ...campaign, status: event.status, counters: event };
    status.update(event.status);
    draw(event);
    if (event.status !== 'RUNNING') return;
    say(pace.first, `${count(event.ratePerMinute)}/min`);
    say(pace.second, event.etaSeconds === null ? '' : `${duration(event.etaSeconds)} left`);
  }

  return { node: h('li', {}, link), update, progress };
}

/** What stands in place of rate and ETA while there are none. */
function unhurried(campaign) {
  const { status, scheduledAt, completedAt, deliveryRate, counters } = campaign;
  const limit = `at most ${count(deliveryRate)}/min`;
  if (status === 'RUNNING') return ['…', limit];
  if (status === 'PAUSED') return [`${plural(counters.total - done(counters), 'job')} to go`, limit];
  if (status === 'QUEUED') return [scheduledAt ? `Starts ${time(scheduledAt)}` : 'Not started', limit];
  return [completedAt ? time(completedAt) : '', lasted(campaign)];
}
