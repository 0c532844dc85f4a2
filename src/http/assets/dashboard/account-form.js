// Telegram accounts: added by a session, given another one, rested, removed. What is secret goes in and never comes out.

import { confirm, h, say, toast } from './dom.js';
import { blame, busy, field, trouble } from './forms.js';
import { t } from './language.js';
import { once } from './once.js';
import { run } from './session.js';
import { ADD_ACCOUNT, REMOVE_ACCOUNT, ROTATE_SESSION, UPDATE_ACCOUNT } from './things-operations.js';

const number = (value, min, max) => h('input', { type: 'number', inputmode: 'numeric', min, max, step: 1, value });
/** A secret in more than a line: browsers keep no password of it. */
const session = () => h('textarea', { rows: 3, class: 'short', required: true, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false' });
const typed = (field) => (field.control.value.trim() === '' ? undefined : Number(field.control.value));

/** The form of another account; `changed` is called when there is one. */
export function addAccount(changed) {
  const make = once();
  const label = field(t('Name of the account'), h('input', { maxlength: 200, autocomplete: 'off', required: true }), t('What you call it; channels don’t see it.'));
  const text = field(t('Session'), session(), t('As Telethon, GramJS or Pyrogram write it, and no other program uses it. “herald telegram login” makes one from a telephone number. It is stored encrypted, and never shown again.'));
  const id = field(t('Number of the application'), number('', 1, 2_147_483_647), t('From my.telegram.org. Without it, that of the settings.'));
  const hash = field(t('Hash of the application'), h('input', { type: 'password', autocomplete: 'off', maxlength: 32 }), t('32 hexadecimal digits; it goes with the number.'));
  const pace = field(t('Messages a minute at most'), number(20, 1, 6000));
  const peers = field(t('New channels a day at most'), number(40, 0, 100_000));
  const names = field(t('Names looked up a day at most'), number(200, 0, 100_000));
  const [problem, button] = [trouble(), h('button', { class: 'primary', type: 'submit' }, t('Add the account'))];

  async function submit(event) {
    event.preventDefault();
    say(problem, '');
    const input = {
      label: label.control.value.trim(),
      sessionString: text.control.value.trim(),
      apiId: typed(id),
      apiHash: hash.control.value.trim() || undefined,
      messagesPerMinute: typed(pace),
      newPeersPerDay: typed(peers),
      resolvesPerDay: typed(names),
    };
    try {
      await busy(button, t('Saving…'), () => make(input, (input) => run(ADD_ACCOUNT, { input })));
      toast(t('The account is added.'));
      for (const { control } of [label, text, id, hash]) control.value = '';
      node.open = false;
      await changed();
    } catch (error) {
      blame(error, { label, sessionString: text, apiId: id, apiHash: hash, messagesPerMinute: pace, newPeersPerDay: peers, resolvesPerDay: names }, problem);
    }
  }
  const application = h('div', { class: 'fields' }, id.node, hash.node);
  const limits = h('div', { class: 'fields' }, pace.node, peers.node, names.node);
  const form = h('form', { class: 'stack', novalidate: true, onsubmit: submit }, label.node, text.node, application, limits, problem, h('div', {}, button));
  const node = h('details', { class: 'card made-form' }, h('summary', {}, t('Add an account')), form);
  return node;
}

/** What can be done to an account. */
export function accountActs(changed) {
  const [rest, gone] = [h('button', { type: 'button', class: 'small', onclick: turn }), h('button', { type: 'button', class: 'small danger', onclick: remove }, t('Remove'))];
  const problem = trouble();
  const text = field(t('Another session'), session(), t('It replaces the one that has ended; it has to be of the same account.'));
  const save = h('button', { type: 'submit', class: 'small' }, t('Use this session'));
  const form = h('form', { class: 'stack', novalidate: true, onsubmit: rotate }, text.node, h('div', {}, save));
  const more = h('details', {}, h('summary', {}, t('Give it another session')), form);
  const node = h('div', { class: 'stack lined' }, more, problem, h('div', { class: 'controls' }, rest, gone));
  const press = once();
  let account;

  async function change(button, work) {
    say(problem, '');
    try {
      await busy(button, null, work);
    } catch (error) {
      say(problem, error.message);
      problem.focus();
    }
    await changed();
  }

  const isOff = () => account.status === 'DISABLED';
  const isParked = () => ['RESTRICTED', 'FROZEN', 'NEEDS_LOGIN', 'BANNED'].includes(account.status);
  function turn() {
    const status = isOff() || isParked() ? 'ACTIVE' : 'DISABLED';
    return change(rest, () => run(UPDATE_ACCOUNT, { input: { id: account.id, status } }));
  }

  async function remove() {
    const question = { title: t('Remove {name}?', { name: account.label }), sentence: t('It sends nothing any more. At Telegram its session stays signed in: end it there.'), yes: t('Remove the account'), isGrave: true };
    if (await confirm(question)) await change(gone, () => run(REMOVE_ACCOUNT, { id: account.id }));
  }

  async function rotate(event) {
    event.preventDefault();
    say(problem, '');
    try {
      const input = { id: account.id, sessionString: text.control.value.trim() };
      await busy(save, t('Saving…'), () => press(input, (input) => run(ROTATE_SESSION, { input })));
      text.control.value = '';
      more.open = false;
      toast(t('It uses the new session.'));
      await changed();
    } catch (error) {
      blame(error, { sessionString: text }, problem);
    }
  }

  const update = (next) => {
    account = next;
    if (!rest.disabled) say(rest, isOff() || isParked() ? t('Let it send') : t('Let it rest'));
    rest.setAttribute('aria-label', `${rest.textContent}: ${next.label}`);
    gone.setAttribute('aria-label', `${t('Remove')}: ${next.label}`);
  };
  return { node, update };
}
