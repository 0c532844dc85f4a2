// The users: who they are, what they may, new ones, new passwords.

import { attempt, confirm, fill, h, list, say, toast } from './dom.js';
import { blame, busy, field, rested, trouble, TYPING } from './forms.js';
import { t } from './language.js';
import { once } from './once.js';
import { pager, range } from './pages.js';
import { run, user } from './session.js';
import { CREATE_USER, DELETE_USER, UPDATE_USER, USERS } from './settings-operations.js';
import { secret } from './settings-own.js';
import { sessionsOf } from './settings-sessions.js';
import { name, time } from './words.js';

const ROLES = { AUDITOR: t('reads'), OPERATOR: t('makes and sends'), ADMIN: t('may do everything') };
const options = (chosen) => Object.entries(ROLES).map(([role, may]) => h('option', { value: role, selected: role === chosen }, `${name(role)} – ${may}`));

/** The section; those who are not admins only read it. */
export function users(mayWrite) {
  const body = h('div');
  const rows = h('ul', { class: 'lined' });
  const shown = list(rows, (one) => row(one, mayWrite, load));
  const label = t('Search by username');
  const search = h('input', { type: 'search', placeholder: label, 'aria-label': label, maxlength: 100 });
  const pages = pager(go);
  let place = {};
  let asked = 0;

  function go(to) {
    place = to;
    return attempt(body, load);
  }

  async function load() {
    const turn = ++asked;
    const filter = { isDeleted: false, usernameContains: search.value.trim() || null };
    const { users } = await run(USERS, { filter, ...range(place) });
    if (turn !== asked) return;
    shown.show(users.nodes);
    pages.update(users.pageInfo);
    fill(body, users.nodes.length ? rows : h('p', { class: 'quiet' }, t('Nobody here')), pages.node);
  }

  const typed = rested(TYPING, () => go({}));
  search.addEventListener('input', typed);
  attempt(body, load);
  const head = h('div', { class: 'head' }, h('h2', { id: 'users' }, t('Users')), search);
  const node = h('section', { class: 'card stack', 'aria-labelledby': 'users' }, head, body, mayWrite && newUser(load));
  return { node, stop: typed.stop };
}

function newUser(changed) {
  const make = once();
  const username = field(t('Username'), h('input', { maxlength: 64, autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', required: true }));
  const role = field(t('Role'), h('select', {}, options('OPERATOR')));
  const password = secret(t('First password'), 'new-password', t('At least 12 characters of any kind.'));
  const [problem, button] = [trouble(), h('button', { class: 'primary', type: 'submit' }, t('Make the user'))];

  async function submit(event) {
    event.preventDefault();
    say(problem, '');
    const input = { username: username.control.value.trim(), role: role.control.value, password: password.control.value };
    try {
      await busy(button, t('Saving…'), () => make(input, (input) => run(CREATE_USER, { input })));
      toast(t('{name} can sign in now.', { name: input.username }));
      username.control.value = password.control.value = '';
      await changed();
    } catch (error) {
      blame(error, { username, role, password }, problem);
    }
  }
  const fields = h('div', { class: 'fields' }, username.node, role.node, password.node);
  const form = h('form', { class: 'stack', novalidate: true, onsubmit: submit }, fields, problem, h('div', {}, button));
  return h('details', {}, h('summary', {}, t('New user')), form);
}

function row(first, mayWrite, changed) {
  const [title, facts, problem] = [h('strong'), h('span', { class: 'quiet small' }), trouble()];
  const role = h('select', { onchange: () => give() }, options(first.role));
  const fresh = secret(t('New password'), 'new-password', t('All sessions of this user end, and only the new password opens another.'));
  const [save, gone] = [h('button', { type: 'submit' }, t('Set it, and end all sessions')), h('button', { type: 'button', class: 'danger small', onclick: remove }, t('Delete'))];
  const form = h('form', { class: 'stack', novalidate: true, onsubmit: reset }, fresh.node, h('div', {}, save));
  const more = h('details', {}, h('summary', {}, t('End the sessions, new password')), form);
  const where = mayWrite && sessionsOf(first);
  const node = h('li', {}, h('div', {}, title, facts), mayWrite ? h('div', { class: 'controls' }, role, gone) : h('span'), problem, where, mayWrite && more);
  let current = first;

  async function change(work) {
    say(problem, '');
    try {
      await work();
    } catch (error) {
      say(problem, error.message);
      problem.focus();
    }
    await changed().catch(() => {});
  }

  const give = () =>
    change(async () => {
      await run(UPDATE_USER, { input: { id: current.id, role: role.value, expectedVersion: current.version } });
      toast(t('{name} is {role} now.', { name: current.username, role: name(role.value) }));
    });

  async function reset(event) {
    event.preventDefault();
    try {
      await busy(save, t('Saving…'), () => run(UPDATE_USER, { input: { id: current.id, password: fresh.control.value } }));
      fresh.control.value = '';
      more.open = false;
      toast(t('All sessions of {name} have ended.', { name: current.username }));
    } catch (error) {
      blame(error, { password: fresh }, problem);
    }
  }

  async function remove() {
    const question = { title: t('Delete {name}?', { name: current.username }), sentence: t('Sessions and tokens end, and nobody gets this name again. What was done stays under it.'), yes: t('Delete the user'), isGrave: true };
    if (await confirm(question)) await change(() => run(DELETE_USER, { input: { id: current.id } }));
  }

  const update = (next) => {
    current = next;
    say(title, next.username);
    role.value = next.role;
    role.setAttribute('aria-label', t('Role of {name}', { name: next.username }));
    gone.setAttribute('aria-label', t('Delete {name}', { name: next.username }));
    const isSelf = next.id === user().id;
    gone.hidden = more.hidden = isSelf;
    role.disabled = isSelf;
    say(facts, [!mayWrite && name(next.role), isSelf && t('you'), next.lastLoginAt ? t('signed in {time}', { time: time(next.lastLoginAt) }) : t('never signed in')].filter(Boolean).join(' · '));
  };
  return { node, update };
}
