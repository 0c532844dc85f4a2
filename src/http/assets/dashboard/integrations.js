// The providers that are set up, each with its test, and the log of what they have told.

import { closed } from './api.js';
import { callbacks } from './callbacks.js';
import { attempt, fill, h, notice, say } from './dom.js';
import { busy } from './forms.js';
import { integrationForm, NAMES, removal } from './integration-form.js';
import { t } from './language.js';
import { pill } from './progress.js';
import { run, user } from './session.js';
import { INTEGRATIONS, TEST_INTEGRATION } from './things-operations.js';
import { name, time } from './words.js';

export function integrations(root, { query }) {
  document.title = `${t('Integrations')} · Herald`;
  const log = callbacks(query.get('status') ?? 'ALL');
  root.append(h('div', { class: 'head' }, h('h1', {}, t('Integrations'))));
  if (user().role === 'ADMIN') root.append(providers());
  root.append(log.node);
  return log.stop;
}

/** Only admins may see them. */
function providers() {
  const body = h('div');
  async function load() {
    const { nodes } = (await run(INTEGRATIONS)).integrationConfigs;
    const none = () => notice('empty', t('No provider is set up'), t('Set one up below: a mail server, a service for text messages or calls.'));
    fill(body, nodes.length ? h('ul', { class: 'cards' }, nodes.map((one) => provider(one, edit, load))) : none());
  }
  attempt(body, load);
  const form = integrationForm(load);
  const edit = (config) => form.edit(config);
  return h('section', { class: 'block', 'aria-labelledby': 'providers' }, h('h2', { id: 'providers' }, t('Providers')), body, form.node);
}

function provider(config, edit, changed) {
  const { id, provider, type, isActive, fields, updatedAt, mailbox } = config;
  const title = NAMES[provider] ?? name(provider);
  const state = pill();
  state.update(isActive ? 'ACTIVE' : 'DISABLED');
  const answer = h('p', { role: 'status' });
  const button = h('button', { type: 'button', 'aria-label': t('Test {provider}', { provider: title }), onclick: test }, t('Test'));

  async function test() {
    say(answer, '');
    try {
      const { testIntegration } = await busy(button, t('Testing…'), () => run(TEST_INTEGRATION, { id }));
      answer.className = testIntegration.isOk ? 'good' : 'bad';
      say(answer, closed(testIntegration.message));
    } catch (error) {
      answer.className = 'bad';
      say(answer, error.message);
    }
  }

  const fact = ({ name, value }) => h('div', {}, h('dt', {}, name), h('dd', {}, value));
  const saved = h('p', { class: 'quiet small' }, `${name(type)} · ${t('saved {time}', { time: time(updatedAt) })}`);
  const head = h('div', { class: 'head' }, h('h3', {}, title), state.node);
  const facts = h('dl', { class: 'facts wide' }, fields.map(fact));
  const ill = mailbox?.error && h('p', { class: 'bad' }, t('Its mailbox can’t be read: {why}', { why: closed(mailbox.error) }));
  const change = h('button', { type: 'button', 'aria-label': t('Change {provider}', { provider: title }), onclick: () => edit(config) }, t('Change'));
  const acts = h('div', { class: 'tried' }, button, change, removal(id, title, changed), answer);
  return h('li', { class: 'card' }, head, saved, facts, ill, acts);
}
