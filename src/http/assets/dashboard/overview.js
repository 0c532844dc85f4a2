// The first page: what needs a hand, what runs, what waits and why, and what was done today.

import { now } from './api.js';
import { campaignRow, follower } from './campaign-row.js';
import { attempt, fill, h, list, notice, say } from './dom.js';
import { t } from './language.js';
import { every, live } from './live.js';
import { handItems, handRest, waitItems } from './overview-items.js';
import { overviewOf } from './overview-operations.js';
import { makeOne } from './roles.js';
import { run, user } from './session.js';
import { count, plural } from './words.js';

/** How often the page is read again, in milliseconds: running campaigns tell of themselves. */
const FRESH = 10_000;

export function overview(root) {
  document.title = `${t('Overview')} · Herald`;
  const body = h('div', { class: 'stack' });
  const query = overviewOf(user().role);
  const parts = { hand: handPart(), running: runningPart(load), waits: waitsPart(), today: todayPart() };
  let asked = 0;

  async function load() {
    const turn = ++asked;
    const found = await run(query, { today: midnight() });
    if (turn !== asked) return;
    for (const part of Object.values(parts)) part.update(found);
    fill(body, ...Object.values(parts).map(({ node }) => node));
  }

  const again = () => load().catch(() => {}); // what is shown stays until the server can be reached again
  root.append(h('div', { class: 'head' }, h('h1', {}, t('Overview')), makeOne()), body);
  attempt(body, load);
  const stopReading = every(FRESH, again);
  live.addEventListener('return', again);
  return () => {
    asked = NaN; // no answer is awaited any more
    stopReading();
    live.removeEventListener('return', again);
    parts.running.stop();
  };
}

/** The beginning of the reader's day. */
function midnight() {
  const day = new Date(now());
  day.setHours(0, 0, 0, 0);
  return day.toISOString();
}

/** A list of sentences, each with what it is about. */
function told(id, title) {
  const rows = h('ul', { class: 'told' });
  const shown = list(rows, () => {
    const [about, words, remedy] = [h('strong'), h('span'), h('p', { class: 'quiet' })];
    const link = h('a', { class: 'button' });
    const node = h('li', {}, h('div', {}, h('p', {}, about, ' ', words), remedy), link);
    const update = (item) => {
      say(about, item.about);
      say(words, item.sentence);
      say(remedy, item.remedy ?? '');
      link.hidden = !item.href;
      if (!item.href) return;
      link.href = item.href;
      say(link, item.act);
      link.setAttribute('aria-label', `${item.act}: ${item.about}`);
    };
    return { node, update };
  });
  const sum = h('p', { class: 'quiet' });
  const node = h('section', { class: 'card tells', 'aria-labelledby': id }, h('h2', { id }, title), sum, rows);
  return { node, rows, sum, show: shown.show };
}

/** What waits for somebody. Its number is read aloud when it is another. */
function handPart() {
  const part = told('hand', t('Needs a hand'));
  part.sum.setAttribute('role', 'status');
  const update = (found) => {
    const items = handItems(found);
    part.show(items);
    part.rows.hidden = !items.length;
    part.node.classList.toggle('grave', items.length > 0);
    part.sum.className = items.length ? 'quiet' : 'good';
    say(part.sum, items.length ? t('{things} to look at', { things: plural(items.length + handRest(found), 'thing') }) : t('Nothing: all goes by itself.'));
  };
  return { node: part.node, update };
}

/** What is being sent. `changed` is called when a campaign has come to its end or a pause. */
function runningPart(changed) {
  const rows = h('ul', { class: 'campaigns card' });
  const shown = list(rows, campaignRow);
  const followed = follower((id, progress) => {
    shown.row(id)?.progress(progress);
    if (progress.status !== 'RUNNING') changed().catch(() => {}); // it is read again soon
  });
  const title = h('h2', { id: 'running' }, t('Runs now'));
  const more = h('a', { href: '#/campaigns?status=RUNNING' });
  const others = h('p', { class: 'quiet' });
  const node = h('section', { class: 'runs', 'aria-labelledby': 'running' });
  const empty = notice('empty', t('Nothing runs'), t('What is started shows here how far it is.'), makeOne());

  function update({ running, sequences, tasks }) {
    shown.show(running.nodes);
    followed(running.nodes.map(({ id }) => id));
    more.hidden = running.totalCount <= running.nodes.length;
    say(more, t('All {campaigns}', { campaigns: plural(running.totalCount, 'campaign') }));
    const facts = [
      sequences.totalCount && t('{sequences} active', { sequences: plural(sequences.totalCount, 'sequence') }),
      tasks.totalCount && t('{tasks} being done', { tasks: plural(tasks.totalCount, 'task') }),
    ];
    say(others, facts.filter(Boolean).join(', '));
    others.hidden = !others.textContent;
    fill(node, h('div', { class: 'head' }, title, more), running.nodes.length ? rows : empty, others);
  }
  return { node, update, stop: () => followed([]) };
}

/** What is not sent yet, and why. */
function waitsPart() {
  const part = told('waits', t('Waits'));
  const update = (found) => {
    const items = waitItems(found);
    part.show(items);
    part.node.hidden = !items.length;
    part.sum.hidden = true;
  };
  return { node: part.node, update };
}

/** The numbers of the day. */
function todayPart() {
  const names = {
    sent: t('Messages sent'),
    failed: t('Messages failed'),
    leads: t('New leads'),
    contacts: t('Contacts'),
    replied: t('Answered'),
    conversions: t('Conversions'),
  };
  const numbers = Object.fromEntries(Object.keys(names).map((key) => [key, h('dd', {}, '0')]));
  const tile = ([key, name]) => h('div', {}, h('dt', {}, name), numbers[key]);
  const reasons = h('ul', { class: 'told' });
  const tiles = h('dl', { class: 'tiles plain' }, Object.entries(names).map(tile));
  const node = h('section', { class: 'card tells', 'aria-labelledby': 'today' }, h('h2', { id: 'today' }, t('Today')), tiles, reasons);

  function update({ broadcast, retention }) {
    const { figures, newLeads } = retention;
    const values = { ...broadcast, leads: newLeads, contacts: figures.attempts, ...figures, failed: broadcast.failed, sent: broadcast.sent };
    for (const key of Object.keys(names)) say(numbers[key], count(values[key]));
    const row = ({ sentence, count: jobs, remedy }) =>
      h('li', {}, h('div', {}, h('p', {}, sentence, ' ', h('strong', {}, `(${count(jobs)})`)), h('p', { class: 'quiet' }, remedy)));
    reasons.hidden = !broadcast.failures.length;
    reasons.replaceChildren(...broadcast.failures.slice(0, 3).map(row));
  }
  return { node, update };
}
