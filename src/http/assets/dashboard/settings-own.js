// One's own password, and one's own sessions.

import { confirm, h, say, toast } from './dom.js';
import { blame, busy, field, trouble } from './forms.js';
import { t } from './language.js';
import { end, run, user } from './session.js';
import { CHANGE_PASSWORD, LEAVE_EVERYWHERE } from './settings-operations.js';

/** A password as a field; managers of passwords know it by `autocomplete`. */
export const secret = (label, autocomplete, hint) =>
  field(label, h('input', { type: 'password', autocomplete, required: true, maxlength: 128 }), hint);

export function password() {
  const old = secret(t('Password until now'), 'current-password');
  const fresh = secret(t('New password'), 'new-password', t('At least 12 characters of any kind.'));
  const name = h('input', { class: 'unseen', autocomplete: 'username', value: user().username, tabindex: '-1', 'aria-hidden': 'true', readonly: true });
  const [problem, button] = [trouble(), h('button', { class: 'primary', type: 'submit' }, t('Change the password'))];

  async function submit(event) {
    event.preventDefault();
    say(problem, '');
    try {
      const input = { currentPassword: old.control.value, newPassword: fresh.control.value };
      await busy(button, t('Saving…'), () => run(CHANGE_PASSWORD, { input }));
      old.control.value = fresh.control.value = '';
      toast(t('The password is changed; all other sessions have ended.'));
    } catch (error) {
      blame(error, { currentPassword: old, newPassword: fresh }, problem);
    }
  }
  const fields = h('div', { class: 'fields' }, old.node, fresh.node);
  const form = h('form', { class: 'stack', novalidate: true, onsubmit: submit }, name, fields, problem, h('div', {}, button));
  return { node: h('section', { class: 'card stack', 'aria-labelledby': 'own-password' }, h('h2', { id: 'own-password' }, t('Your password')), form) };
}

export function sessions() {
  const button = h('button', { type: 'button', class: 'danger', onclick: press }, t('Sign out everywhere'));
  const problem = trouble();

  async function press() {
    const question = { title: t('Sign out everywhere?'), sentence: t('Whoever is signed in as you, on any device, has to sign in again; you too.'), yes: t('Sign out everywhere'), isGrave: true };
    if (!(await confirm(question))) return;
    try {
      await busy(button, null, () => run(LEAVE_EVERYWHERE));
      end(t('You are signed out everywhere.'));
    } catch (error) {
      say(problem, error.message);
    }
  }
  const words = h('p', { class: 'quiet' }, t('If you were signed in on a device that you don’t have any more. API tokens stay.'));
  const title = h('h2', { id: 'own-sessions' }, t('Your sessions'));
  return { node: h('section', { class: 'card stack', 'aria-labelledby': 'own-sessions' }, title, words, problem, h('div', {}, button)) };
}
