// How far a campaign is: its progress stream, its bar, its numbers.

import { h, say } from './dom.js';
import { live } from './live.js';
import { PROGRESS } from './operations.js';
import { count, duration, name, percent } from './words.js';
import { t } from './language.js';

/** States that a campaign leaves only by a retry, if at all. */
const ENDED = ['COMPLETED', 'FAILED', 'CANCELLED'];
export const isEnded = (status) => ENDED.includes(status);

/** The states of jobs, in the order in which they are drawn, and what they mean. */
export const JOB_STATES = {
  SENT: t('Accepted by Telegram'),
  FAILED: t('Refused'),
  UNKNOWN: t('Perhaps sent; nobody can know'),
  CANCELLED: t('Cancelled before they were sent'),
  SENDING: t('Handed over, or about to be'),
  QUEUED: t('Not sent yet'),
};

/** What became of so many. */
const ENDS = {
  sent: (count) => t('{count} sent', { count }),
  failed: (count) => t('{count} failed', { count }),
  cancelled: (count) => t('{count} cancelled', { count }),
  unknown: (count) => t('{count} unknown', { count }),
  sending: (count) => t('{count} sending', { count }),
  queued: (count) => t('{count} queued', { count }),
};

/** Jobs that have ended. */
export const done = ({ sent, failed, cancelled, unknown }) => sent + failed + cancelled + unknown;

/** Calls `next` with each event of a campaign's progress, until it has ended or the returned function is called. */
export function follow(id, next, error) {
  let last = null;
  const seen = ({ broadcastCampaignProgress: progress }) => next((last = progress));
  return live.subscribe(PROGRESS, { id }, { next: seen, error, isOver: () => last !== null && isEnded(last.status) });
}

/** A coloured word: the state of a campaign or of a job. */
export function pill() {
  const node = h('span', { class: 'pill' });
  const update = (status) => {
    node.dataset.status = status;
    say(node, name(status));
  };
  return { node, update };
}

/** A bar with a part for each state of jobs; what is queued is its empty end. */
export function bar() {
  const parts = Object.keys(JOB_STATES)
    .slice(0, -1)
    .map((state) => [state.toLowerCase(), h('span', { 'data-status': state })]);
  const node = h('div', { class: 'bar', role: 'progressbar', 'aria-label': t('Progress') }, parts.map(([, part]) => part));
  const update = (counters) => {
    for (const [key, part] of parts) part.style.width = `${(100 * counters[key]) / (counters.total || 1)}%`;
    node.setAttribute('aria-valuenow', counters.total ? Math.floor((100 * counters.sent) / counters.total) : 0);
    node.setAttribute('aria-valuetext', t('{sent} of {total} sent', { sent: count(counters.sent), total: count(counters.total) }));
  };
  return { node, update };
}

/** The number of jobs in each state. */
export function tiles() {
  const numbers = Object.keys(JOB_STATES).map((state) => [state, h('dd', {}, '0')]);
  const tile = ([state, number]) =>
    h('div', { 'data-status': state, title: JOB_STATES[state] }, h('dt', {}, name(state)), number);
  const node = h('dl', { class: 'tiles' }, numbers.map(tile));
  const update = (counters) => numbers.forEach(([state, number]) => say(number, count(counters[state.toLowerCase()])));
  return { node, update };
}

/** How long a campaign that has ended took. */
export function lasted({ startedAt, completedAt }) {
  if (!startedAt || !completedAt) return '';
  return t('took {time}', { time: duration((Date.parse(completedAt) - Date.parse(startedAt)) / 1000) });
}

/**
 * How many messages have reached somebody, and how much of all that is: `1,234 of 1,500 sent`. Once it has ended, what became of
 * the others too: `305 sent, 4,634 cancelled`.
 */
export function share(counters, status) {
  const part = percent(counters.sent, counters.total);
  if (!isEnded(status)) return { text: t('{sent} of {total} sent', { sent: count(counters.sent), total: count(counters.total) }), percent: part };
  const others = ['failed', 'cancelled', 'unknown', 'sending', 'queued'].filter((state) => counters[state] > 0);
  const text = ['sent', ...others].map((state) => ENDS[state](count(counters[state]))).join(', ');
  return { text, percent: part };
}
