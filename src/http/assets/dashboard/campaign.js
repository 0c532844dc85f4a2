// One campaign: how far it is, what can be done, its jobs.

import { chart } from './chart.js';
import { controls } from './controls.js';
import { failures } from './failures.js';
import { attempt, fill, h, notice, say } from './dom.js';
import { jobs } from './jobs.js';
import { every, live } from './live.js';
import { CAMPAIGN } from './operations.js';
import { preflight } from './preflight.js';
import { bar, follow, isEnded, lasted, pill, share, tiles } from './progress.js';
import { run } from './session.js';
import { count, duration, exactly, name, plural, time } from './words.js';
import { t } from './language.js';

/** How often the campaign is read again, in milliseconds: its stream tells of counters, not of names. */
const FRESH = 15_000;
/** And no sooner after more have failed, in milliseconds: why, only the campaign tells. */
const HURRY = 1_000;

export function campaign(root, { id }) {
  const body = h('div', { class: 'campaign' });
  let page = null;
  let stopFollowing = null;
  let isLeft = false;
  let timer = null;

  async function load() {
    const { broadcastCampaign } = await run(CAMPAIGN, { id });
    if (isLeft) return;
    if (!broadcastCampaign) {
      const back = h('a', { class: 'button', href: '#/campaigns' }, t('All campaigns'));
      return fill(body, notice('missing', t('There is no such campaign'), t('It may have been deleted.'), back));
    }
    page ??= build(id, load);
    page.update(broadcastCampaign);
    fill(body, page.node);
    if (!isEnded(broadcastCampaign.status)) stopFollowing ??= follow(id, progress, () => (stopFollowing = null));
  }

  function progress(event) {
    const { isNew, hasFailed } = page.progress(event);
    if (isEnded(event.status)) stopFollowing = null;
    if (isNew) again(); // its dates, and the reason of a pause
    else if (hasFailed) timer ??= setTimeout(() => again().then(() => (timer = null)), HURRY);
  }

  const again = () => load().catch(() => {}); // what is shown stays until the server can be reached again
  const returned = () => {
    again();
    page?.jobs.refresh();
  };
  root.append(h('p', {}, h('a', { href: '#/campaigns', class: 'back' }, `← ${t('Campaigns')}`)), body);
  attempt(body, load);
  const stopReading = every(FRESH, again);
  live.addEventListener('return', returned);
  return () => {
    isLeft = true;
    clearTimeout(timer);
    stopReading();
    stopFollowing?.();
    page?.stop();
    live.removeEventListener('return', returned);
  };
}

/**
 * The page of a campaign; `update` takes the campaign, `progress` an event, and says whether the status is another, and whether
 * more or fewer jobs have failed.
 */
function build(id, load) {
  const [meters, rate, about, list, before] = [gauge(), chart(id), facts(), jobs(id), preflight(id)];
  const heading = head(load, before.check);
  const failed = failures(load, list.only);
  const node = h(
    'article',
    {},
    heading.node,
    meters.node,
    before.node,
    failed.node,
    h('div', { class: 'columns' }, rate.node, about.node),
    list.node,
  );
  let campaign = null;

  function draw() {
    for (const part of [heading, meters, list, before]) part.update(campaign);
  }

  function update(next) {
    // An event may have told as much already, or more.
    const ahead = campaign ? campaign.counters.version - next.counters.version : -1;
    const counters = ahead < 0 ? next.counters : campaign.counters;
    const status = ahead > 0 ? campaign.status : next.status;
    campaign = { ...next, counters, status };
    rate.update(campaign);
    about.update(campaign);
    failed.update(campaign);
    draw();
  }

  function progress(event) {
    if (event.version < campaign.counters.version) return { isNew: false, hasFailed: false };
    const isNew = event.status !== campaign.status;
    const hasFailed = event.failed !== campaign.counters.failed;
    campaign = { ...campaign, status: event.status, counters: event };
    rate.add(event);
    draw();
    list.refresh();
    return { isNew, hasFailed };
  }

  const stop = () => {
    rate.stop();
    list.stop();
    before.stop();
  };
  return { node, update, progress, stop, jobs: list };
}

/** Its name, its status, and what can be done. */
function head(load, check) {
  const [title, mode] = [h('h1'), h('span', { class: 'tag' })];
  const description = h('p', { class: 'quiet' });
  const warning = h('p', { class: 'why', role: 'status' });
  const [status, buttons] = [pill(), controls(load, check)];
  const badge = h('span', { class: 'tag grave' });
  const line = h('div', { class: 'head' }, h('div', {}, title, status.node, badge, mode), buttons.node);

  function update(campaign) {
    document.title = `${campaign.name} · Herald`;
    say(title, campaign.name);
    say(mode, name(campaign.mode));
    say(description, campaign.description ?? '');
    say(warning, why(campaign));
    say(badge, campaign.status === 'PAUSED' && campaign.pausedBy === 'HERALD' ? t('Paused by itself') : '');
    status.update(campaign.status);
    buttons.update(campaign);
  }
  return { node: h('header', {}, line, description, warning), update };
}

/** How far it is. */
function gauge() {
  const [part, text, eta] = [h('strong', { class: 'big' }), h('span', { class: 'quiet' }), h('strong')];
  const [meter, numbers] = [bar(), tiles()];
  const line = h('p', { class: 'far' }, h('span', {}, part, ' ', text), eta);

  function update(campaign) {
    const { counters, totalJobs } = campaign;
    const isStarted = counters.total > 0;
    const far = share(counters, campaign.status);
    say(part, isStarted ? far.percent : plural(totalJobs, 'channel'));
    say(text, isStarted ? far.text : t('as far as can be said before the start'));
    say(eta, remaining(campaign));
    meter.update(counters);
    numbers.update(counters);
  }
  return { node: h('section', { class: 'card', 'aria-label': t('Progress') }, line, meter.node, numbers.node), update };
}

/** How long it takes, or took. Only events tell how long it takes. */
function remaining(campaign) {
  const { status, counters } = campaign;
  if (status === 'RUNNING' && counters.etaSeconds != null) return t('{time} left', { time: duration(counters.etaSeconds) });
  if (status === 'PAUSED') return name('PAUSED');
  return isEnded(status) ? [name(status), lasted(campaign)].filter(Boolean).join(', ') : '';
}

/** What an operator has to know. */
function why({ status, pauseReason, scheduleMissedAt, scheduleMissedReason }) {
  if (status === 'PAUSED' && pauseReason) return t('It paused by itself: {reason}', { reason: pauseReason });
  if (status === 'QUEUED' && scheduleMissedAt) {
    const reason = scheduleMissedReason ?? t('it was overdue for too long, or could not be started');
    return t('Its schedule was given up at {time}: {reason}.', { time: time(scheduleMissedAt), reason });
  }
  return '';
}

/** What the campaign is made of. */
function facts() {
  const entries = h('dl', { class: 'facts' });
  const message = h('pre', { class: 'message-text' });
  const node = h('section', { class: 'card', 'aria-labelledby': 'about' }, h('h2', { id: 'about' }, t('About')), entries, message);

  function update(campaign) {
    const { batch, template, createdBy, deliveryRate, retryLimit } = campaign;
    const moment = (instant) => instant && h('time', { datetime: instant, title: exactly(instant) }, time(instant));
    const rows = [
      [t('Batch'), batch ? `${batch.name}, ${plural(batch.channelCount, 'channel')}` : t('deleted')],
      [t('Template'), template?.name ?? t('deleted')],
      [t('Rate'), t('at most {count} a minute, retried up to {times}', { count: count(deliveryRate), times: plural(retryLimit, 'time') })],
      [t('Created'), h('span', {}, moment(campaign.createdAt), createdBy ? t(' by {name}', { name: createdBy.username }) : '')],
      [t('Starts'), campaign.status === 'QUEUED' && moment(campaign.scheduledAt)],
      [t('Started'), moment(campaign.startedAt)],
      [t('Ended'), moment(campaign.completedAt)],
    ];
    say(message, campaign.content ?? template?.content ?? '');
    const filled = rows.filter(([, value]) => value);
    entries.replaceChildren(...filled.map(([term, value]) => h('div', {}, h('dt', {}, term), h('dd', {}, value))));
  }
  return { node, update };
}
