// In what the difference between two variants lies, as a bar about zero; and how it has narrowed while this page was open.

import { h, say, svg } from './dom.js';
import { language, t } from './language.js';

const points = new Intl.NumberFormat(language, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: 'exceptZero' });
const [WIDTH, HEIGHT, MOST] = [600, 60, 120];

/** What was seen of each test, so that a reader who comes back finds it again. */
const seen = new Map();

/** `-1.2 to +3.4`, in points of a percent. */
const words = ({ low, high }) => t('{low} to {high} points', { low: points.format(100 * low), high: points.format(100 * high) });

export function interval(id) {
  const looks = seen.get(id) ?? [];
  seen.set(id, looks);
  const [sure, all] = [h('span', { class: 'now' }), h('span', { class: 'all' })];
  const [left, right] = [h('span'), h('span')];
  const scale = h('p', { class: 'axis quiet small', 'aria-hidden': 'true' }, left, h('span', {}, '0'), right);
  const bar = h('div', { class: 'range', 'aria-hidden': 'true' }, all, sure, h('span', { class: 'zero' }));
  const [band, zero] = [svg('path', { class: 'band' }), svg('path', { class: 'limit' })];
  const plot = h('div', { class: 'looks', 'aria-hidden': 'true' }, svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none' }, band, zero));
  const [said, whole] = [h('dd'), h('dd')];
  const facts = h('dl', { class: 'said' }, h('div', {}, h('dt', {}, t('B against A, now')), said), h('div', {}, h('dt', {}, t('However often one looks')), whole));
  const node = h('div', { class: 'interval' }, facts, bar, scale, plot);

  function update({ difference, sequentialDifference, at }) {
    node.hidden = !difference;
    if (!difference) return;
    const wide = sequentialDifference ?? difference;
    if (looks.at(-1)?.at !== at) looks.push({ at, ...wide });
    if (looks.length > MOST) looks.shift();
    const most = 1.1 * furthest([difference, wide]);
    place(sure, difference, most);
    place(all, wide, most);
    say(left, points.format(-100 * most));
    say(right, points.format(100 * most));
    say(said, words(difference));
    say(whole, sequentialDifference ? words(sequentialDifference) : '–');
    node.dataset.side = difference.low > 0 ? 'b' : difference.high < 0 ? 'a' : '';
    draw(1.1 * furthest(looks));
  }

  /** The intervals one after the other, the latest on the right. */
  function draw(most) {
    plot.hidden = looks.length < 3;
    const x = (n) => ((WIDTH * n) / Math.max(1, looks.length - 1)).toFixed(1);
    const y = (value) => (HEIGHT / 2 - (HEIGHT * value) / (2 * most)).toFixed(1);
    const upper = looks.map(({ high }, n) => `${x(n)},${y(high)}`);
    const lower = looks.map(({ low }, n) => `${x(n)},${y(low)}`).reverse();
    band.setAttribute('d', `M${[...upper, ...lower].join(' L')} Z`);
    zero.setAttribute('d', `M0,${HEIGHT / 2} H${WIDTH}`);
  }
  return { node, update };
}

/** How far from zero any of these reaches. */
const furthest = (ranges) => Math.max(0.001, ...ranges.flatMap(({ low, high }) => [Math.abs(low), Math.abs(high)]));

/** Lays a part on the scale from -most to +most. */
function place(part, { low, high }, most) {
  part.style.left = `${50 + (50 * low) / most}%`;
  part.style.width = `${Math.max(0.5, (50 * (high - low)) / most)}%`;
}
