// A sequence as a picture: its steps on a line from the top to the bottom, beside it how many leads came how far.

import { fill, h, list, say, svg } from './dom.js';
import { form, t } from './language.js';
import { figuresOf, way } from './ways.js';
import { count, name, percent } from './words.js';

/** The numbers of a step, with the colour of each. */
const NUMBERS = [
  ['waiting', 'RUNNING', t('Waiting')],
  ['sent', 'SENT', t('Sent')],
  ['replied', 'REPLIED', t('Answered')],
  ['failed', 'FAILED', t('Failed')],
  ['skipped', 'SKIPPED', t('Passed by')],
  ['unknown', 'UNKNOWN', t('Unknown')],
];
/** What the bar is made of, in its order. */
const PARTS = ['sent', 'failed', 'unknown', 'skipped', 'waiting'];

export function flow() {
  const rows = h('ol', { class: 'flow' });
  const shown = list(rows, step);
  const [begin, end] = [h('p', { class: 'flow-end' }), h('p', { class: 'flow-end' }, t('Through'))];
  const none = h('p', { class: 'notice' }, t('No step yet. Add the first, and it can be activated.'));
  const node = h('div', { class: 'flow-box' });
  let replies = new Map();

  function draw({ steps, enrollmentCounts }) {
    const all = enrollmentCounts.reduce((sum, { count }) => sum + count, 0);
    say(begin, t('Enrolled: {count}', { count: count(all) }));
    let before = all;
    const items = steps.map((step) => {
      const figures = { ...figuresOf(step.executionCounts), replied: replies.get(step.id)?.replied ?? 0 };
      const item = { ...step, figures, all, before };
      before = figures.sent;
      return item;
    });
    shown.show(items);
    fill(node, ...(steps.length ? [begin, rows, end] : [none]));
  }

  let last = null;
  const update = (sequence) => draw((last = sequence));
  const answers = (steps) => {
    replies = new Map(steps.map(({ stepId, figures }) => [stepId, figures]));
    if (last) draw(last);
  };
  return { node, update, answers };
}

/** One step: when it comes, under which condition, by which way, and what became of it. */
function step({ id, channel }) {
  const [delay, title, script] = [h('p', { class: 'delay' }), h('h3'), h('p', { class: 'quiet' })];
  const [off, branch, condition, bypass] = [h('span', { class: 'tag' }), h('div', { class: 'branch' }), h('p'), h('p', { class: 'quiet small' })];
  branch.append(h('span', { class: 'fork', 'aria-hidden': 'true' }), h('div', {}, condition, bypass));
  const numbers = NUMBERS.map(([key, status, label]) => ({ key, status, label, dd: h('dd', {}, '0') }));
  const parts = PARTS.map((key) => [key, h('span', { 'data-status': NUMBERS.find(([one]) => one === key)[1] })]);
  const bar = h('div', { class: 'bar', 'aria-hidden': 'true' }, parts.map(([, part]) => part));
  const tiles = numbers.map((number) => h('div', { 'data-status': number.status }, h('dt', {}, number.label), number.dd));
  const head = h('div', { class: 'head' }, h('div', { class: 'titled' }, way(channel), title), off);
  const card = h('article', { class: 'card stop', 'aria-labelledby': `step-${id}` }, head, script, bar, h('dl', { class: 'tiles small' }, tiles));
  title.id = `step-${id}`;
  const shape = svg('path');
  const share = h('strong');
  const reached = h('span', { class: 'quiet small' });
  const funnel = h(
    'div',
    { class: 'funnel', 'aria-hidden': 'true' },
    svg('svg', { viewBox: '0 0 100 100', preserveAspectRatio: 'none' }, shape),
    h('p', {}, share, reached),
  );
  const node = h('li', {}, delay, branch, h('div', { class: 'beside-funnel' }, card, funnel));

  function update(step) {
    const { figures, all, before } = step;
    say(delay, delayOf(step));
    say(title, `${count(step.stepOrder)}. ${name(channel)}`);
    say(script, step.script ? `“${step.script.name}”` : t('With the default text of this way'));
    say(off, step.isActive ? '' : t('Left out'));
    const conditions = conditionsOf(step.conditions);
    branch.hidden = !conditions.length;
    node.classList.toggle('conditional', conditions.length > 0);
    node.classList.toggle('off', !step.isActive);
    say(condition, conditions.length ? t('Only if {conditions}', { conditions: conditions.join(t(', and ')) }) : '');
    say(bypass, t('The others go on to the next step: {count}', { count: count(figures.skipped) }));
    const total = PARTS.reduce((sum, key) => sum + figures[key], 0);
    for (const [key, part] of parts) part.style.width = `${(100 * figures[key]) / (total || 1)}%`;
    for (const { key, dd } of numbers) say(dd, count(figures[key]));
    const wide = (part) => (all ? Math.max(2, (100 * part) / all) : 2);
    shape.setAttribute('d', trapezoid(wide(before), wide(figures.sent)));
    say(share, count(figures.sent));
    say(reached, t('{share} of all', { share: percent(figures.sent, all) }));
  }
  return { node, update };
}

/** From so wide at the top to so wide at the bottom, in the middle. */
function trapezoid(top, bottom) {
  const [a, b, c, d] = [50 - top / 2, 50 + top / 2, 50 + bottom / 2, 50 - bottom / 2];
  return `M${a} 0 L${b} 0 C${b} 50 ${c} 50 ${c} 100 L${d} 100 C${d} 50 ${a} 50 ${a} 0 Z`;
}

const UNITS = { HOURS: 'hour', DAYS: 'day', WEEKS: 'week' };

/** When it comes, after the one before. */
export const delayOf = ({ delayValue, delayUnit }) =>
  delayValue ? t('after {time}', { time: `${count(delayValue)} ${form(delayValue, UNITS[delayUnit])}` }) : t('at once');

/** Its conditions as parts of a sentence. */
function conditionsOf({ leadStatuses, previousStatuses, languages, leadSources, meta }) {
  const either = (words) => words.join(t(' or '));
  return [
    previousStatuses.length && t('the step before ended as {states}', { states: either(previousStatuses.map(name)) }),
    leadStatuses.length && t('the lead is {states}', { states: either(leadStatuses.map(name)) }),
    languages.length && t('it speaks {languages}', { languages: either(languages) }),
    leadSources.length && t('it came from {sources}', { sources: either(leadSources) }),
    ...meta.map(({ name, value }) => t('its {field} is {value}', { field: name, value })),
  ].filter(Boolean);
}
