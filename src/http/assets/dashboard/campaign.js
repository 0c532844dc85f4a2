// One campaign: how far it is, what can be done, its jobs.

import { chart } from './chart.js';
import { controls } from './controls.js';
import { attempt, h, notice, say } from './dom.js';
import { jobs } from './jobs.js';
import { every, live } from './live.js';
import { CAMPAIGN } from './operations.js';
import { bar, follow, isEnded, lasted, pill, share, tiles } from './progress.js';
import { run } from './session.js';
import { count, duration, exactly, plural, time } from './words.js';

/** How often the campaign is read again, in milliseconds: its stream tells of counters, not of names. */
const FRESH = 15_000;

export function campaign(root, { id }) {
  const body = h('div', { class: 'campaign' });
  let page = null;
  let stopFollowing = null;
  let isLeft = false;

  async function load() {
    const { broadcastCampaign } = await run(CAMPAIGN, { id });
    if (isLeft) return;
    if (!broadcastCampaign) {
      const back = h('a', { class: 'button', href: '#/campaigns' }, 'All campaigns');
      return body.replaceChildren(notice('empty', 'There is no such campaign', 'It may have been deleted.', back));
    }
    page ??= build(id, load);
    page.update(broadcastCampaign);
    if (page.node.parentNode !== body) body.replaceChildren(page.node);
    if (!isEnded(broadcastCampaign.status)) stopFollowing ??= follow(id, progress, () => {});
  }

  function progress(event) {
    const isNew = page.progress(event);
    if (isEnded(event.status)) stopFollowing = null;
    if (isNew) again(); // its dates, and the reason of a pause
  }

  const again = () => load().catch(() => {}); // what is shown stays until the server can be reached again
  const returned = () => {
    again();
    page?.jobs.refresh();
  };
  root.append(h('p', {}, h('a', { href: '#/campaigns', class: 'back' }, '← Campaigns')), body);
  attempt(body, load);
  const stopReading = every(FRESH, again);
  live.addEventListener('return', returned);
  return () => {
    isLeft = true;
    stopReading();
    stopFollowing?.();
    page?.stop();
    live.removeEventListener('return', returned);
  };
}

/** The page of a campaign; `update` takes the campaign, `progress` an event, and says whether the status is another. */
function build(id, load) {
  const parts = {
    title: h('h1'),
    description: h('p', { class: 'quiet' }),
    mode: h('span', { class: 'tag' }),
    percent: h('strong', { class: 'big' }),
    text: h('span', { class: 'quiet' }),
    eta: h('strong'),
    why: h('p', { class: 'why', role: 'status' }),
  };
  const status = pill();
  const [meter, numbers, rate, list, about] = [bar(), tiles(), chart(id), jobs(id), facts()];
  const buttons = controls(load);
  const node = h(
    'article',
    {},
    h('div', { class: 'head' }, h('div', {}, parts.title, status.node, parts.mode), buttons.node),
    parts.description,
    parts.why,
    h(
      'section',
      { class: 'card', 'aria-label': 'Progress' },
      h('p', { class: 'far' }, h('span', {}, parts.percent, ' ', parts.text), parts.eta),
      meter.node,
      numbers.node,
    ),
    h('div', { class: 'columns' }, rate.node, about.node),
    list.node,
  );
  let campaign = null;

  function draw() {
    const { text, percent } = share(campaign.counters);
    const isStarted = campaign.counters.total > 0;
    say(parts.percent, isStarted ? percent : plural(campaign.totalJobs, 'channel'));
    say(parts.text, isStarted ? text : 'as far as can be said before the start');
    say(parts.eta, remaining(campaign));
    status.update(campaign.status);
    meter.update(campaign.counters);
    numbers.update(campaign.counters);
    buttons.update(campaign);
    list.update(campaign);
  }

  function update(next) {
    // An event may have told as much already, or more.
    const ahead = campaign ? campaign.counters.version - next.counters.version : -1;
    campaign = { ...next, ...(ahead >= 0 && { counters: campaign.counters }), ...(ahead > 0 && { status: campaign.status }) };
    document.title = `${next.name} · Herald`;
    say(parts.title, next.name);
    say(parts.description, next.description ?? '');
    say(parts.mode, next.mode === 'TEST' ? 'Test' : 'Live');
    say(parts.why, why(next));
    rate.update(next);
    about.update(next);
    draw();
  }

  function progress(event) {
    if (event.version < campaign.counters.version) return false;
    const isNew = event.status !== campaign.status;
    campaign = { ...campaign, status: event.status, counters: event };
    rate.add(event);
    draw();
    list.refresh();
    return isNew;
  }

  const stop = () => {
    rate.stop();
    list.stop();
  };
  return { node, update, progress, stop, jobs: list };
}

/** How long it takes, or took. Only events tell how long it takes. */
function remaining(campaign) {
  const { status, counters } = campaign;
  if (status === 'RUNNING' && counters.etaSeconds != null) return `${duration(counters.etaSeconds)} left`;
  if (status === 'PAUSED') return 'Paused';
  return isEnded(status) ? lasted(campaign) : '';
}

/** What an operator has to know. */
function why({ status, pauseReason, scheduleMissedAt }) {
  if (status === 'PAUSED' && pauseReason) return `It paused by itself: ${pauseReason}`;
  if (status === 'QUEUED' && scheduleMissedAt) {
    return `Its schedule was given up at ${time(scheduleMissedAt)}: it was overdue for too long, or could not be started.`;
  }
  return '';
}

/** What the campaign is made of. */
function facts() {
  const entries = h('dl', { class: 'facts' });
  const message = h('pre', { class: 'message-text' });
  const node = h('section', { class: 'card', 'aria-labelledby': 'about' }, h('h2', { id: 'about' }, 'About'), entries, message);

  function update(campaign) {
    const { batch, template, createdBy, deliveryRate, retryLimit } = campaign;
    const moment = (instant) => instant && h('time', { datetime: instant, title: exactly(instant) }, time(instant));
    const rows = [
      ['Batch', batch ? `${batch.name}, ${plural(batch.channelCount, 'channel')}` : 'deleted'],
      ['Template', template?.name ?? 'deleted'],
      ['Rate', `at most ${count(deliveryRate)} a minute, retried up to ${plural(retryLimit, 'time')}`],
      ['Created', h('span', {}, moment(campaign.createdAt), createdBy ? ` by ${createdBy.username}` : '')],
      ['Starts', campaign.status === 'QUEUED' && moment(campaign.scheduledAt)],
      ['Started', moment(campaign.startedAt)],
      ['Ended', moment(campaign.completedAt)],
    ];
    say(message, campaign.content ?? template?.content ?? '');
    const filled = rows.filter(([, value]) => value);
    entries.replaceChildren(...filled.map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value))));
  }
  return { node, update };
}
