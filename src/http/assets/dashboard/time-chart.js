// A chart over time: stacked bars, each with its words under the pointer, and the same numbers as a table behind it.

import { fill, h, say, svg } from './dom.js';
import { t } from './language.js';

const [WIDTH, HEIGHT] = [720, 180];
let ids = 0;

/**
 * `series` are `{ key, label, status }`, drawn one above the other. `update` takes `points`: `{ at, values: { key: number } }`, where
 * `at` is what stands below the bar; `say` puts a number into words.
 */
export function timeChart({ title, series, words }) {
  const id = `chart-${++ids}`;
  const bars = svg('g');
  const grid = svg('g', { class: 'grid' });
  const picture = svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, grid, bars);
  const [top, middle] = [h('span'), h('span')];
  const scale = h('div', { class: 'scale', 'aria-hidden': 'true' }, top, middle, h('span', {}, '0'));
  const [first, last] = [h('span'), h('span')];
  const axis = h('p', { class: 'axis quiet small', 'aria-hidden': 'true' }, first, last);
  const legend = h('ul', { class: 'legend' });
  const none = h('p', { class: 'quiet' }, t('Nothing in this period.'));
  const plot = h('div', { class: 'over-time' }, scale, h('div', { class: 'canvas' }, picture, axis));
  const table = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('Table: {title}', { title }) });
  const behind = h('details', {}, h('summary', {}, t('As a table')), table);
  const node = h('section', { class: 'card chart', 'aria-labelledby': id }, h('h2', { id }, title), legend, none, plot, behind);

  function update(points) {
    const kept = series.filter(({ key }, n) => n === 0 || points.some(({ values }) => values[key]));
    const sums = points.map(({ values }) => kept.reduce((sum, { key }) => sum + (values[key] ?? 0), 0));
    const most = nice(Math.max(0, ...sums));
    const isEmpty = !sums.some(Boolean);
    none.hidden = !isEmpty;
    plot.hidden = behind.hidden = legend.hidden = isEmpty;
    fill(legend, ...kept.map(({ key, label, status }) => {
      const total = points.reduce((sum, { values }) => sum + (values[key] ?? 0), 0);
      return h('li', { 'data-status': status }, label, ' ', h('strong', {}, words(total)));
    }));
    say(top, words(most));
    say(middle, words(most / 2));
    say(first, points[0]?.at ?? '');
    say(last, points.at(-1)?.at ?? '');
    grid.replaceChildren(...[0, 0.5, 1].map((part) => svg('path', { d: `M0,${part * HEIGHT} H${WIDTH}` })));
    bars.replaceChildren(...points.flatMap((point, n) => column(point, n, points.length, kept, most)));
    fill(table, tableOf(points, kept));
  }

  /** The bars of one point, with what they say. */
  function column({ at, values }, n, all, kept, most) {
    const step = WIDTH / all;
    const wide = Math.max(1, step * 0.72);
    let below = HEIGHT;
    const hint = kept.map(({ key, label }) => `${label}: ${words(values[key] ?? 0)}`).join('\n');
    const parts = kept.filter(({ key }) => values[key]).map(({ key, status }) => {
      const height = Math.max(1, (HEIGHT * values[key]) / most);
      below -= height;
      return svg('rect', { x: n * step + (step - wide) / 2, y: below, width: wide, height, 'data-status': status });
    });
    const whole = svg('rect', { class: 'hover', x: n * step, y: 0, width: step, height: HEIGHT }, svg('title', {}, `${at}\n${hint}`));
    return [...parts, whole];
  }

  function tableOf(points, kept) {
    const head = h('tr', {}, h('th', { scope: 'col' }, t('When')), kept.map(({ label }) => h('th', { scope: 'col' }, label)));
    const row = ({ at, values }) => h('tr', {}, h('th', { scope: 'row' }, at), kept.map(({ key }) => h('td', {}, words(values[key] ?? 0))));
    const some = points.filter(({ values }) => kept.some(({ key }) => values[key]));
    return h('table', { class: 'lines' }, h('caption', { class: 'unseen' }, title), h('thead', {}, head), h('tbody', {}, some.map(row)));
  }
  return { node, update };
}

/** The next number of the kind 1, 2, 5, 10 that is not below. */
function nice(most) {
  if (most <= 4) return 4;
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 4, 5, 10].map((factor) => factor * power).find((one) => one >= most);
}

/** Bars beside each other, the longest first: `rows` are `{ id, label, parts: [{ key, label, status, value }], words }`, with a table behind. */
export function rankChart({ title, empty, columns, words }) {
  const id = `chart-${++ids}`;
  const rows = h('ul', { class: 'ranks' });
  const legend = h('ul', { class: 'legend' }, columns.filter(({ status }) => status).map(({ label, status }) => h('li', { 'data-status': status }, label)));
  const none = h('p', { class: 'quiet' }, empty);
  const table = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': t('Table: {title}', { title }) });
  const behind = h('details', {}, h('summary', {}, t('As a table')), table);
  const node = h('section', { class: 'card chart', 'aria-labelledby': id }, h('h2', { id }, title), legend, none, rows, behind);
  const drawn = columns.filter(({ status }) => status);

  function update(items) {
    const sum = ({ values }) => drawn.reduce((all, { key }) => all + (values[key] ?? 0), 0);
    const most = Math.max(1, ...items.map(sum));
    none.hidden = items.length > 0;
    rows.hidden = behind.hidden = legend.hidden = !items.length;
    fill(rows, ...items.map((item) => {
      const parts = drawn.map(({ key, status }) => {
        const part = h('span', { 'data-status': status });
        part.style.width = `${(100 * (item.values[key] ?? 0)) / most}%`;
        return part;
      });
      const label = h('p', {}, h('span', {}, item.label), h('strong', {}, words(sum(item))));
      return h('li', {}, label, h('div', { class: 'bar', 'aria-hidden': 'true' }, parts), item.hint && h('p', { class: 'quiet small' }, item.hint));
    }));
    const head = h('tr', {}, h('th', { scope: 'col' }, t('What')), columns.map(({ label }) => h('th', { scope: 'col' }, label)));
    const row = (item) => h('tr', {}, h('th', { scope: 'row' }, item.label), columns.map(({ key, words: own }) => h('td', {}, (own ?? words)(item.values[key] ?? 0))));
    fill(table, h('table', { class: 'lines' }, h('caption', { class: 'unseen' }, title), h('thead', {}, head), h('tbody', {}, items.map(row))));
  }
  return { node, update };
}
