// The log of callbacks: what providers have told, and what was made of it.

import { attempt, fill, h, list, notice, say, toast } from './dom.js';
import { t } from './language.js';
import { every } from './live.js';
import { chips, pager, range } from './pages.js';
import { pill } from './progress.js';
import { run } from './session.js';
import { CALLBACKS, RETRY_CALLBACK } from './things-operations.js';
import { exactly, plural, time } from './words.js';

const STATES = ['ALL', 'FAILED', 'UNMATCHED', 'RECEIVED', 'PROCESSED'];
/** How often the log is read again, in milliseconds. */
const FRESH = 10_000;

export function callbacks(status) {
  const place = { status: STATES.includes(status) ? status : 'ALL' };
  const body = h('div', { class: 'card' });
  const rows = h('ol', { class: 'log' });
  const shown = list(rows, (event) => row(event, again));
  const pages = pager(go);
  const states = chips(t('Callbacks by state'), STATES, place.status, (status) => go({ status }));
  const title = h('h2', { id: 'callbacks' }, t('Log of callbacks'));
  const node = h('section', { class: 'block', 'aria-labelledby': 'callbacks' }, title, states.node, body);
  let asked = 0;

  function go(to) {
    Object.assign(place, { after: null, before: null }, to);
    return attempt(body, load);
  }

  async function load() {
    const turn = ++asked;
    const filter = { statuses: place.status === 'ALL' ? null : [place.status] };
    const { page, ...counts } = await run(CALLBACKS, { filter, ...range(place) });
    if (turn !== asked) return;
    states.update(Object.fromEntries(STATES.map((state) => [state, counts[state].totalCount])));
    shown.show(page.nodes);
    pages.update(page.pageInfo);
    const none = () => notice('empty', t('None'), t('What providers tell stands here, with what was made of it.'));
    fill(body, ...(page.nodes.length ? [rows, pages.node] : [none()]));
  }

  const again = () => load().catch(() => {}); // what is shown stays until the server can be reached again
  go({});
  const stopReading = every(FRESH, again);
  const stop = () => {
    asked = NaN; // no answer is awaited any more
    stopReading();
  };
  return { node, stop };
}

function row({ id, provider, receivedAt, body }, changed) {
  const status = pill();
  const [words, attempts] = [h('span'), h('span', { class: 'quiet' })];
  const retry = h('button', { type: 'button', class: 'small', onclick: again }, t('Look at it again'));
  const when = h('time', { datetime: receivedAt, title: exactly(receivedAt) }, time(receivedAt));
  const raw = h('details', {}, h('summary', {}, t('As it came')), h('pre', { tabindex: '0' }, body));
  const node = h('li', {}, when, h('strong', {}, provider), status.node, h('span', { class: 'words' }, words, ' ', attempts), retry, raw);

  async function again() {
    retry.disabled = true;
    try {
      await run(RETRY_CALLBACK, { id });
      toast(t('It is looked at again.'));
    } catch (error) {
      toast(error.message, 'error');
    }
    retry.disabled = false;
    await changed();
  }

  function update(event) {
    status.update(event.status);
    say(words, event.errorMessage ?? event.outcome ?? '');
    const next = event.nextAttemptAt ? t(', again at {time}', { time: time(event.nextAttemptAt) }) : '';
    say(attempts, event.attempts > 1 || next ? `${plural(event.attempts, 'attempt')}${next}` : '');
    retry.hidden = !['FAILED', 'UNMATCHED'].includes(event.status);
  }
  return { node, update };
}
