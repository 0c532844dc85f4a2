// A campaign as a line of a list, live.

import { h, say } from './dom.js';
import { bar, done, follow, isEnded, lasted, pill, share } from './progress.js';
import { count, duration, name, plural, time } from './words.js';
import { t } from './language.js';

/** Follows exactly the campaigns that it was last called with. */
export function follower(next) {
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

/** The line; `update` takes the campaign, `progress` an event of its stream. */
export function campaignRow({ id }) {
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
    say(numbers.failed, counters.failed && !isEnded(campaign.status) ? t('{count} failed', { count: count(counters.failed) }) : '');
    say(numbers.percent, counters.total ? percent : '');
  }

  function update(next) {
    if (campaign && next.counters.version < campaign.counters.version) return; // an event has told more already
    const wasRunning = campaign?.status === 'RUNNING';
    campaign = next;
    say(parts.title, next.name);
    say(parts.mode, next.mode === 'TEST' ? name('TEST') : '');
    const isStopped = next.pausedBy === 'HERALD';
    const made = `${next.batch?.name ?? t('deleted batch')} · ${next.template?.name ?? t('deleted template')}`;
    say(parts.badge, isStopped ? t('Paused by itself') : '');
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
    if (event.status !== 'PAUSED') say(parts.badge, ''); // somebody let it go on
    status.update(event.status);
    draw(event);
    if (event.status !== 'RUNNING') return;
    say(pace.first, t('{count}/min', { count: count(event.ratePerMinute) }));
    say(pace.second, event.etaSeconds === null ? '' : t('{time} left', { time: duration(event.etaSeconds) }));
  }

  return { node: h('li', {}, link), update, progress };
}

/** What stands in place of rate and ETA while there are none. */
function unhurried(campaign) {
  const { status, scheduledAt, completedAt, deliveryRate, counters } = campaign;
  const limit = t('at most {count}/min', { count: count(deliveryRate) });
  if (status === 'RUNNING') return ['…', limit];
  if (status === 'PAUSED') return [t('{jobs} to go', { jobs: plural(counters.total - done(counters), 'job') }), limit];
  if (status === 'QUEUED') return [scheduledAt ? t('Starts {time}', { time: time(scheduledAt) }) : t('Not started'), limit];
  return [completedAt ? time(completedAt) : '', lasted(campaign)];
}
