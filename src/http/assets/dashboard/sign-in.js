// The sign-in page.

import { h } from './dom.js';
import * as session from './session.js';
import { t } from './language.js';

export function signIn(root, why) {
  document.title = `${t('Sign in')} · Herald`;
  const username = h('input', {
    id: 'username',
    autocomplete: 'username',
    autocapitalize: 'none',
    spellcheck: 'false',
    required: true,
  });
  const password = h('input', { id: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const message = h('p', { class: 'message', role: 'alert' }, why);
  const button = h('button', { class: 'primary' }, t('Sign in'));

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    message.textContent = '';
    try {
      await session.signIn(username.value, password.value);
    } catch (error) {
      message.textContent = error.message;
      password.select();
    } finally {
      button.disabled = false;
    }
  }

  root.append(
    h(
      'form',
      { class: 'sign-in', method: 'post', onsubmit: submit },
      h('img', { src: '/dashboard/icon.svg', alt: '', width: 56, height: 56 }),
      h('h1', {}, 'Herald'),
      h('p', { class: 'quiet' }, t('Sign in to see your campaigns.')),
      h('label', { for: 'username' }, t('Username')),
      username,
      h('label', { for: 'password' }, t('Password')),
      password,
      message,
      button,
      // The server says so in the page where it is set up.
      document.body.hasAttribute('data-sso') && h('a', { class: 'elsewhere', href: '/sso' }, t('Use single sign-on')),
      h('p', { class: 'quiet small' }, t('Herald printed the password of “admin” when it started for the first time.')),
    ),
  );
  username.focus();
  return () => {};
}
