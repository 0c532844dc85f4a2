// API tokens: made for a script, told once, revoked when it is over.

import { attempt, confirm, fill, h, list, say, toast } from './dom.js';
import { blame, busy, field, trouble } from './forms.js';
import { t } from './language.js';
import { once } from './once.js';
import { pager, range } from './pages.js';
import { run } from './session.js';
import { API_TOKENS, CREATE_TOKEN, REVOKE_TOKEN } from './settings-operations.js';
import { name, time } from './words.js';

const ROLES = ['AUDITOR', 'OPERATOR', 'ADMIN'];

export function tokens(own) {
  const body = h('div');
  const rows = h('ul', { class: 'lined' });
  const shown = list(rows, (token) => row(token, load));
  const pages = pager((to) => {
    place = to;
    attempt(body, load);
  });
  const told = h('div', { role: 'status' });
  let place = {};

  async function load() {
    const { apiTokens } = await run(API_TOKENS, range(place));
    shown.show(apiTokens.nodes);
    pages.update(apiTokens.pageInfo);
    fill(body, apiTokens.nodes.length ? rows : h('p', { class: 'quiet' }, t('No token. A script that uses the API needs one.')), pages.node);
  }

  /** The token itself: this is the only time that anybody can see it. */
  function tell({ token, apiToken }) {
    const text = h('code', { tabindex: '0', class: 'secret' }, token);
    const copy = h('button', { type: 'button', onclick: take }, t('Copy'));
    async function take() {
      try {
        await navigator.clipboard.writeText(token);
        toast(t('Copied.'));
      } catch {
        getSelection().selectAllChildren(text); // a page without TLS may not: it is marked, to be copied by hand
      }
    }
    const gone = h('button', { type: 'button', onclick: () => fill(told) }, t('I have it'));
    const words = h('p', {}, t('This is the token “{name}”. Keep it now: it is never shown again.', { name: apiToken.name }));
    fill(told, h('div', { class: 'stack once' }, words, text, h('div', { class: 'controls' }, copy, gone)));
  }

  attempt(body, load);
  const form = newToken(own, async (made) => {
    tell(made);
    await load();
  });
  const title = h('h2', { id: 'tokens' }, t('API tokens'));
  return { node: h('section', { class: 'card stack', 'aria-labelledby': 'tokens' }, title, body, told, form) };
}

function newToken(own, made) {
  const make = once();
  const label = field(t('Name of the token'), h('input', { maxlength: 200, autocomplete: 'off', required: true }), t('What it is for, such as “nightly import”.'));
  const may = ROLES.slice(0, ROLES.indexOf(own) + 1);
  const role = field(t('What it may do'), h('select', {}, may.map((one) => h('option', { value: one, selected: one === (may.includes('OPERATOR') ? 'OPERATOR' : own) }, name(one)))));
  const until = field(t('Good until'), h('input', { type: 'date' }), t('If you like: without a day it is good until it is revoked.'));
  const [problem, button] = [trouble(), h('button', { class: 'primary', type: 'submit' }, t('Make the token'))];

  async function submit(event) {
    event.preventDefault();
    say(problem, '');
    const day = until.control.value;
    const input = { name: label.control.value.trim(), role: role.control.value, expiresAt: day ? new Date(`${day}T23:59:59`).toISOString() : null };
    try {
      const { createApiToken } = await busy(button, t('Saving…'), () => make(input, (input) => run(CREATE_TOKEN, { input })));
      label.control.value = until.control.value = '';
      await made(createApiToken);
    } catch (error) {
      blame(error, { name: label, role, expiresAt: until }, problem);
    }
  }
  const fields = h('div', { class: 'fields' }, label.node, role.node, until.node);
  const form = h('form', { class: 'stack', novalidate: true, onsubmit: submit }, fields, problem, h('div', {}, button));
  return h('details', {}, h('summary', {}, t('New token')), form);
}

function row(token, changed) {
  const [title, facts] = [h('strong'), h('span', { class: 'quiet small' })];
  const button = h('button', { type: 'button', class: 'danger small', onclick: revoke }, t('Revoke'));
  const node = h('li', {}, h('div', {}, title, facts), button);
  let current = token;

  async function revoke() {
    const question = { title: t('Revoke “{name}”?', { name: current.name }), sentence: t('Whatever uses it is refused from now on.'), yes: t('Revoke'), isGrave: true };
    if (!(await confirm(question))) return;
    try {
      await busy(button, null, () => run(REVOKE_TOKEN, { input: { id: current.id } }));
      toast(t('Revoked.'));
      await changed();
    } catch (error) {
      toast(error.message, 'error');
    }
  }
  const update = (next) => {
    current = next;
    say(title, next.name);
    button.setAttribute('aria-label', t('Revoke the token {name}', { name: next.name }));
    say(facts, [
      next.user?.username,
      name(next.role),
      next.lastUsedAt ? t('used {time}', { time: time(next.lastUsedAt) }) : t('never used'),
      next.expiresAt && t('until {time}', { time: time(next.expiresAt) }),
    ].filter(Boolean).join(' · '));
  };
  return { node, update };
}
