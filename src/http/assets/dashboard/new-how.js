// The third screen: by which accounts the campaign is sent, how quickly, and when.

import { now } from './api.js';
import { attempt, h, say } from './dom.js';
import { saveCampaign } from './draft.js';
import { blame, busy, buttons, field, radios, trouble } from './forms.js';
import { t } from './language.js';
import { SENDERS } from './new-operations.js';
import { run, user } from './session.js';
import { count, duration, name as nameOf, plural, time } from './words.js';

export function how(root, { plan, change, next, back }) {
  const chosen = plan.how;
  chosen.name ||= suggestion(plan);
  const problem = trouble();
  const { node: foot, onward } = buttons(back, next, t('Next: check'));
  const pace = h('p', { class: 'quiet', role: 'status' });
  const changed = () => {
    change();
    draw();
  };
  const text = input(chosen, 'name', changed, { maxlength: 200 });
  const rate = input(chosen, 'deliveryRate', changed, { type: 'number', min: 1, max: 1_000_000, inputmode: 'numeric' });
  const limit = input(chosen, 'testLimit', changed, { type: 'number', min: 1, max: 1_000, inputmode: 'numeric' });
  const at = input(chosen, 'at', changed, { type: 'datetime-local' });
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const senders = h('div', { class: 'stack' });
  const places = {
    name: field(t('Name of the campaign'), text),
    deliveryRate: field(t('Messages a minute, at most'), rate),
    testLimit: field(t('Messages of the test, at most'), limit),
    at: field(t('Date and time'), at, t('By the clock of this computer: {zone}.', { zone })),
  };
  const accounts = accountsPart(chosen, changed, problem);
  places.telegramAccountIds = accounts;

  /** How long all of it takes. */
  function draw() {
    const number = chosen.mode === 'TEST' ? Math.min(plan.found.count, chosen.testLimit) : plan.found.count;
    const perMinute = Math.min(Number(chosen.deliveryRate), accounts.limit());
    const takes = perMinute > 0 ? duration(Math.ceil((60 * number) / perMinute)) : '…';
    say(pace, t('{messages} in about {time} at this pace.', { messages: plural(number, 'message'), time: takes }));
  }

  async function submit(event) {
    event.preventDefault();
    say(problem, '');
    if (chosen.start === 'AT' && !(Date.parse(chosen.at) > now())) {
      places.at.complain(chosen.at ? t('That has passed already.') : t('Choose a date and a time.'));
      return at.focus();
    }
    if (chosen.accounts === 'SOME' && !chosen.accountIds.length) {
      say(problem, t('Choose at least one account, or all of them.'));
      return problem.focus();
    }
    try {
      await busy(onward, t('Saving…'), () => saveCampaign(plan));
      next();
    } catch (error) {
      blame(error, places, problem);
    }
  }

  const keep = (key) => (value) => {
    chosen[key] = value;
    changed();
  };
  const mode = radios(t('To whom it really goes'), modes(places.testLimit.node), chosen.mode, keep('mode'));
  const start = radios(t('When'), starts(places.at.node), chosen.start, keep('start'));
  const form = h(
    'form',
    { class: 'stack narrow', novalidate: true, onsubmit: submit },
    h('div', { class: 'card stack' }, places.name.node, mode),
    h('div', { class: 'card stack' }, places.deliveryRate.node, pace, senders),
    h('div', { class: 'card stack' }, start),
    problem,
    foot,
  );
  root.append(form);
  draw();
  attempt(senders, async () => {
    await accounts.load();
    senders.replaceChildren(accounts.node());
    draw();
  });
  return () => {};
}

const modes = (limit) => [
  ['LIVE', t('To the channels'), t('Everybody there sees it')],
  ['TEST', t('A test'), t('It goes to the Saved Messages of the first account; nobody else sees it'), limit],
];

const starts = (at) => [
  ['HAND', t('When I press Start'), t('On the next screen, or later in the list of campaigns')],
  ['AT', t('By itself, at a time'), t('It is planned on the next screen'), at],
];

/** A name to begin with: whom it reaches, and the day. */
const suggestion = ({ what, found }) => {
  const about = (what.kind === 'TEXT' && what.name) || found.name || t('Campaign');
  return `${about}, ${time(new Date(now()).toISOString())}`;
};

/** A field that keeps what is typed into it. */
function input(chosen, key, changed, properties) {
  const control = h('input', { autocomplete: 'off', value: chosen[key], ...properties });
  control.addEventListener('input', () => {
    chosen[key] = control.value;
    changed();
  });
  return control;
}

/** The accounts that send. Only admins may see them; whoever may not sends by all that are active. */
function accountsPart(chosen, changed, problem) {
  const isAdmin = user().role === 'ADMIN';
  let all = [];

  async function load() {
    if (isAdmin) all = (await run(SENDERS)).telegramAccounts.nodes;
    chosen.accountIds = chosen.accountIds.filter((id) => all.some((account) => account.id === id));
    if (!chosen.accountIds.length && !isAdmin) chosen.accounts = 'ALL';
  }

  /** What they may send in a minute together; where there is none, nothing real is sent, and nothing limits it. */
  function limit() {
    const senders = chosen.accounts === 'ALL' ? all.filter(({ status }) => status === 'ACTIVE') : all.filter(isChosen);
    return senders.length ? senders.reduce((sum, { messagesPerMinute }) => sum + messagesPerMinute, 0) : Infinity;
  }

  const isChosen = ({ id }) => chosen.accountIds.includes(id);

  function row(account) {
    const { id, label, status, messagesPerMinute, sendsResumeAt } = account;
    const box = h('input', { type: 'checkbox', checked: isChosen(account), onchange: () => {
      const others = chosen.accountIds.filter((other) => other !== id);
      chosen.accountIds = box.checked ? [...others, id] : others;
      say(problem, '');
      changed();
    } });
    const until = sendsResumeAt ? `, ${t('until {time}', { time: time(sendsResumeAt) })}` : '';
    const state = status === 'ACTIVE' ? '' : ` · ${nameOf(status)}${until}`;
    const facts = `${t('at most {count} a minute', { count: count(messagesPerMinute) })}${state}`;
    return h('label', { class: 'check' }, box, h('span', {}, h('strong', {}, label), h('span', { class: 'quiet' }, facts)));
  }

  function node() {
    if (!isAdmin) return h('p', { class: 'quiet' }, t('It is sent by all accounts that are active; only an admin can choose among them.'));
    if (!all.length) return h('p', { class: 'quiet' }, t('There is no Telegram account yet. Where sending is only simulated, none is needed.'));
    const rows = h('fieldset', { class: 'checks' }, h('legend', { class: 'unseen' }, t('Accounts')), all.map(row));
    const active = all.filter(({ status }) => status === 'ACTIVE').length;
    return radios(
      t('Sent by'),
      [
        ['ALL', t('All accounts that are active'), t('{accounts} now', { accounts: plural(active, 'account') })],
        ['SOME', t('Only these'), '', rows],
      ],
      chosen.accounts,
      (accounts) => {
        chosen.accounts = accounts;
        changed();
      },
    );
  }
  const complain = (sentence = '') => say(problem, sentence);
  return { load, limit, node, complain, control: problem };
}
