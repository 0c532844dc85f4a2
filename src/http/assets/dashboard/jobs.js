// The jobs of a campaign, and why each has not been sent yet.

import { attempt, fill, h, list, notice, say } from './dom.js';
import { JOBS } from './operations.js';
import { chips, pager, range } from './pages.js';
import { JOB_STATES, pill } from './progress.js';
import { run } from './session.js';
import { exactly, explanation, time } from './words.js';
import { t } from './language.js';

/** The list is read at most so often, in milliseconds, however quickly jobs change. */
const HURRY = 1_000;

/**
 * The section; `refresh` reads the page again soon, `update` takes the campaign, `only` shows the jobs that failed for one reason.
 */
export function jobs(id) {
  const place = { status: 'ALL', reason: null };
  const body = h('div', { class: 'card' });
  const rows = h('tbody');
  const shown = list(rows, jobRow);
  const pages = pager(go);
  const states = chips(t('Jobs by state'), ['ALL', ...Object.keys(JOB_STATES)], 'ALL', (status) => go({ status, reason: null }));
  const columns = [t('Place'), t('Channel'), t('State'), t('Attempts'), t('What is known')];
  const head = h('tr', {}, columns.map((column) => h('th', { scope: 'col' }, column)));
  const table = h('table', { class: 'jobs' }, h('thead', {}, head), rows);
  const node = h('section', { 'aria-labelledby': 'jobs' }, h('h2', { id: 'jobs' }, t('Jobs')), states.node, body);

  function go(to) {
    Object.assign(place, { after: null, before: null }, to);
    return attempt(body, load);
  }

  let asked = 0;
  let removedAt = null;
  async function load() {
    const turn = ++asked;
    const { status, reason } = place;
    const filter = { statuses: status === 'ALL' ? null : [status], errors: reason && [reason] };
    // Of what was sent the latest is of interest, of what waits the next.
    const orderBy = { field: 'POSITION', direction: status === 'SENT' ? 'DESC' : 'ASC' };
    const { broadcastCampaign } = await run(JOBS, { id, filter, orderBy, ...range(place) });
    if (turn !== asked || !broadcastCampaign) return;
    const { nodes, pageInfo } = broadcastCampaign.jobs;
    shown.show(nodes);
    pages.update(pageInfo);
    fill(body, ...(nodes.length ? [table, pages.node] : [nothing(status, removedAt)]));
  }

  /** Those that failed for this reason. */
  function only(reason) {
    states.mark('FAILED');
    node.scrollIntoView({ block: 'start' });
    return go({ status: 'FAILED', reason });
  }

  let timer = null;
  let last = 0;
  function refresh() {
    timer ??= setTimeout(
      async () => {
        await load().catch(() => {}); // what is shown stays until the server can be reached again
        [timer, last] = [null, Date.now()];
      },
      Math.max(0, last + HURRY - Date.now()),
    );
  }

  const update = ({ counters, jobsRemovedAt }) => {
    if (jobsRemovedAt && !removedAt) refresh();
    removedAt = jobsRemovedAt;
    const counts = Object.keys(JOB_STATES).map((state) => [state, counters[state.toLowerCase()]]);
    states.update({ ALL: counters.total, ...Object.fromEntries(counts) });
  };
  const stop = () => {
    asked = NaN; // no answer is awaited any more
    clearTimeout(timer);
  };
  go({});
  return { node, update, refresh, only, stop };
}

const nothing = (status, removedAt) =>
  removedAt
    ? notice('empty', t('Kept no longer'), t('The messages of this campaign were removed at {time}; its numbers stay.', { time: time(removedAt) }))
    : status === 'ALL'
    ? notice('empty', t('No jobs yet'), t('The start makes one job of each active channel.'))
    : notice('empty', t('None'), t('No job of this campaign is in this state.'));

function jobRow({ id }) {
  const cells = { position: h('td', { class: 'place' }), username: h('strong'), title: h('span', { class: 'quiet' }) };
  const attempts = h('td', { class: 'attempts' });
  const known = h('td', { class: 'known' });
  const status = pill();
  const channel = h('td', { class: 'channel' }, cells.username, cells.title);
  const node = h('tr', { 'data-job': id }, cells.position, channel, h('td', {}, status.node), attempts, known);
  const update = (job) => {
    say(cells.position, String(job.position));
    say(cells.username, job.channel ? `@${job.channel.username}` : t('deleted channel'));
    say(cells.title, job.channel?.title ?? '');
    status.update(job.status);
    say(attempts, String(job.attempts));
    say(known, told(job));
    const instant = job.sentAt ?? job.failedAt;
    if (instant) known.title = exactly(instant);
  };
  return { node, update };
}

/** What is known of a job, in a sentence or two. */
function told(job) {
  const error = job.errorMessage;
  if (job.status === 'SENT') return job.sentAt ? t('At {time}.', { time: time(job.sentAt) }) : t('Somebody found it sent.');
  if (job.status === 'FAILED') {
    const at = job.failedAt ? t(', at {time}', { time: time(job.failedAt) }) : '';
    return job.failure ? `${job.failure.sentence} (${error}${at})` : `${t('Refused')}${at}.`;
  }
  if (job.status === 'UNKNOWN') return `${t('It may have gone out; nobody can know.')}${error ? ` ${t('Last: {error}.', { error })}` : ''}`;
  if (!job.explanation) return '';
  const words = explanation(job.explanation);
  return error && job.status === 'QUEUED' ? `${words} ${t('Last: {error}.', { error })}` : words;
}
