// Settings: one's own password and sessions, API tokens, and for admins the users.

import { h } from './dom.js';
import { t } from './language.js';
import { password, sessions } from './settings-own.js';
import { tokens } from './settings-tokens.js';
import { users } from './settings-users.js';
import { user } from './session.js';

export function settings(root) {
  document.title = `${t('Settings')} · Herald`;
  const { role } = user();
  const isAuditor = role === 'AUDITOR'; // whose only way in is given by an admin
  const parts = [];
  if (role !== 'OPERATOR') parts.push(users(role === 'ADMIN'));
  if (!isAuditor) parts.push(tokens(role), password());
  parts.push(sessions());
  root.append(h('div', { class: 'head' }, h('h1', {}, t('Settings'))), h('div', { class: 'parts' }, parts.map(({ node }) => node)));
  return () => parts.forEach((part) => part.stop?.());
}
