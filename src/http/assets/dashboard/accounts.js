// The Telegram accounts that send: how they are, what they have used of today's budgets, and until when they wait.

import { addAccount, accountActs } from './account-form.js';
import { attempt, fill, h, list, notice, say } from './dom.js';
import { t } from './language.js';
import { every, live } from './live.js';
import { pager, range } from './pages.js';
import { pill } from './progress.js';
import { run } from './session.js';
import { ACCOUNTS } from './things-operations.js';
import { count, plural, time } from './words.js';

/** How often the page is read again, in milliseconds. */
const FRESH = 10_000;

export function accounts(root) {
  document.title = `${t('Accounts')} · Herald`;
  const place = {};
  const body = h('div');
  const rows = h('ul', { class: 'cards' });
  const shown = list(rows, (account) => row(account, again));
  const pages = pager((to) => {
    Object.assign(place, { after: null, before: null }, to);
    attempt(body, load);
  });
  let asked = 0;
  const again = () => load().catch(() => {}); // what is shown stays until the server can be reached again

  async function load() {
    const turn = ++asked;
    const { telegramAccounts } = await run(ACCOUNTS, range(place));
    if (turn !== asked) return;
    shown.show(telegramAccounts.nodes);
    pages.update(telegramAccounts.pageInfo);
    fill(body, ...(telegramAccounts.nodes.length ? [rows, pages.node] : [nothing()]));
  }

  root.append(h('div', { class: 'head' }, h('h1', {}, t('Accounts'))), addAccount(again), body);
  attempt(body, load);
  const stopReading = every(FRESH, again);
  live.addEventListener('return', again);
  return () => {
    asked = NaN; // no answer is awaited any more
    stopReading();
    live.removeEventListener('return', again);
  };
}

const nothing = () => {
  const link = h('a', { class: 'button', href: '/manual' }, t('Read the manual'));
  const how = t('Add one above by its session, or log one in on the command line with “herald telegram login”.');
  return notice('empty', t('No accounts yet'), how, link);
};

function row(account, changed) {
  const [label, known, why] = [h('h2'), h('p', { class: 'quiet' }), h('p', { class: 'bad' })];
  const [status, sent, waits] = [pill(), h('p'), h('ul', { class: 'waits' })];
  const [peers, names] = [budget(t('New channels today')), budget(t('Names looked up today'))];
  const head = h('div', { class: 'head' }, label, status.node);
  const acts = accountActs(changed);
  const node = h('li', { class: 'card' }, head, known, why, sent, peers.node, names.node, waits, acts.node);

  function update(account) {
    say(label, account.label);
    acts.update(account);
    const { name, username, phoneEnding } = account;
    say(known, [name, username && `@${username}`, phoneEnding && `…${phoneEnding}`].filter(Boolean).join(' · '));
    known.hidden = !known.textContent;
    status.update(account.status);
    say(why, account.lastError ? t('Telegram said: {answer}.', { answer: account.lastError }) : '');
    why.hidden = !account.lastError;
    const pace = t('at most {count} a minute', { count: count(account.messagesPerMinute) });
    say(sent, t('{messages} sent today, {pace}', { messages: plural(account.sendsToday, 'message'), pace }));
    peers.update(account.newPeersToday, account.newPeersPerDay);
    names.update(account.resolvesToday, account.resolvesPerDay);
    fill(waits, ...waitsOf(account).map((wait) => h('li', {}, wait)));
    waits.hidden = !waits.childElementCount;
  }
  return { node, update };
}

/** Until when it may not do what. */
const waitsOf = ({ sendsResumeAt, resolvesResumeAt, readsResumeAt }) =>
  [
    sendsResumeAt && t('Sends nothing until {time}', { time: time(sendsResumeAt) }),
    resolvesResumeAt && t('Looks up no name until {time}', { time: time(resolvesResumeAt) }),
    readsResumeAt && t('Reads nothing until {time}', { time: time(readsResumeAt) }),
  ].filter(Boolean);

/** How much of a day's budget is used. */
function budget(label) {
  const [numbers, part] = [h('span'), h('span', { 'data-status': 'RUNNING' })];
  const bar = h('div', { class: 'bar', role: 'meter', 'aria-label': label, 'aria-valuemin': 0 }, part);
  const node = h('div', { class: 'budget' }, h('p', {}, h('span', { class: 'quiet' }, label), numbers), bar);
  const update = (used, most) => {
    say(numbers, t('{used} of {most}', { used: count(used), most: count(most) }));
    part.style.width = `${most ? Math.min(100, (100 * used) / most) : 100}%`;
    part.dataset.status = used >= most ? 'PAUSED' : 'RUNNING';
    bar.setAttribute('aria-valuemax', most);
    bar.setAttribute('aria-valuenow', Math.min(used, most));
    bar.setAttribute('aria-valuetext', numbers.textContent);
  };
  return { node, update };
}
