// The rate of a campaign in the last two minutes, as a line; of one that has ended, what it was on average.

import { h, say, svg } from './dom.js';
import { every } from './live.js';
import { isEnded } from './progress.js';
import { count } from './words.js';
import { t } from './language.js';

/** How far the line goes back, in milliseconds. */
const SPAN = 120_000;
/** The rate is measured over ten seconds: without an event for so long, nothing was sent. */
const MEASURED = 10_000;
const [WIDTH, HEIGHT] = [600, 120];

/** What was seen of each campaign, so that a reader who comes back finds it again. */
const seen = new Map();

export function chart(id) {
  const points = seen.get(id) ?? [];
  seen.set(id, points);
  const line = svg('path', { class: 'line' });
  const area = svg('path', { class: 'area' });
  const promised = svg('path', { class: 'limit' });
  const value = h('strong', { class: 'big' }, '0');
  const limit = h('span', { class: 'limit-label' });
  const unit = h('span', { class: 'quiet' });
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' };
  const plot = h('div', { class: 'plot' }, svg('svg', box, area, promised, line), limit);
  const axis = h('p', { class: 'axis quiet small' }, h('span', {}, t('2 min ago')), h('span', {}, t('now')));
  const node = h(
    'section',
    { class: 'card rate', 'aria-labelledby': 'rate' },
    h('h2', { id: 'rate' }, t('Rate')),
    h('p', {}, value, ' ', unit),
    plot,
    axis,
  );
  let most = 1;
  let average = null;

  function draw() {
    const now = Date.now();
    while (points.length > 1 && points[1].at < now - SPAN) points.shift();
    const last = points.at(-1);
    if (last && last.rate > 0 && now - last.at > MEASURED) points.push({ at: now, rate: 0 });
    const top = 1.2 * Math.max(most, ...points.map(({ rate }) => rate));
    const x = (at) => Math.max(0, (WIDTH * (at - now + SPAN)) / SPAN).toFixed(1);
    const y = (rate) => (HEIGHT - (HEIGHT * rate) / top).toFixed(1);
    const path = [...points, { ...points.at(-1), at: now }].map(({ at, rate }) => `${x(at)},${y(rate)}`).join(' L');
    line.setAttribute('d', points.length ? `M${path}` : '');
    area.setAttribute('d', points.length ? `M${x(points[0].at)},${HEIGHT} L${path} L${WIDTH},${HEIGHT} Z` : '');
    promised.setAttribute('d', `M0,${y(most)} H${WIDTH}`);
    limit.style.top = `${(100 * y(most)) / HEIGHT}%`;
    plot.hidden = axis.hidden = average !== null && !points.length;
    say(value, count(average ?? points.at(-1)?.rate ?? 0));
    say(unit, average === null ? t('messages a minute') : t('messages a minute on average'));
  }

  /** Takes an event of the progress stream. */
  function add({ status, ratePerMinute }) {
    if (!points.length && !ratePerMinute) return; // the line begins where the rate is known
    points.push({ at: Date.now(), rate: status === 'RUNNING' ? ratePerMinute : 0 });
    draw();
  }

  function update(campaign) {
    most = campaign.deliveryRate;
    average = averageOf(campaign);
    say(limit, t('limit {count}', { count: count(most) }));
    draw();
  }

  return { node, add, update, stop: every(1_000, draw) };
}

/** Messages that were sent a minute from the start to the end; null if it has not ended. */
function averageOf({ status, startedAt, completedAt, counters }) {
  if (!isEnded(status) || !startedAt || !completedAt) return null;
  const seconds = Math.max(1, (Date.parse(completedAt) - Date.parse(startedAt)) / 1000);
  return Math.round((60 * counters.sent) / seconds);
}
