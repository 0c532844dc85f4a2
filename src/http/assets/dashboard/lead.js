// One lead: what is known of it, and its timeline.

import { attempt, fill, h, notice } from './dom.js';
import { t } from './language.js';
import { called } from './leads.js';
import { pill } from './progress.js';
import { run } from './session.js';
import { LEAD } from './things-operations.js';
import { exactly, name, plural, time } from './words.js';

export function lead(root, { id }) {
  const body = h('div');
  let isLeft = false;

  async function load() {
    const { lead } = await run(LEAD, { id });
    if (isLeft) return;
    const back = h('a', { class: 'button', href: '#/leads' }, t('All leads'));
    if (!lead) return fill(body, notice('missing', t('There is no such lead'), t('It may have been deleted or erased.'), back));
    document.title = `${called(lead)} · Herald`;
    fill(body, page(lead));
  }

  root.append(h('p', {}, h('a', { href: '#/leads', class: 'back' }, `← ${t('Leads')}`)), body);
  attempt(body, load);
  return () => {
    isLeft = true;
  };
}

function page(lead) {
  const status = pill();
  status.update(lead.status);
  const head = h('div', { class: 'head' }, h('h1', {}, called(lead)), status.node);
  const events = timeline(lead);
  const rows = events.length ? h('ol', { class: 'timeline' }, events.map(event)) : h('p', { class: 'quiet' }, t('Nothing has happened yet.'));
  const left = lead.contactAttempts.totalCount - lead.contactAttempts.nodes.length;
  const more = left > 0 && h('p', { class: 'quiet' }, t('{contacts} earlier', { contacts: plural(left, 'contact') }));
  const history = h('section', { class: 'card tells', 'aria-labelledby': 'history' }, h('h2', { id: 'history' }, t('Timeline')), rows, more);
  const about = h('section', { class: 'card tells', 'aria-labelledby': 'about' }, h('h2', { id: 'about' }, t('About')), facts(lead));
  return h('article', {}, head, h('div', { class: 'beside' }, history, about));
}

function facts(lead) {
  const rows = [
    [t('Email'), lead.email],
    [t('Phone'), lead.phone],
    ['Telegram', lead.telegramUsername && `@${lead.telegramUsername}`],
    [t('Source'), name(lead.source)],
    [t('Language'), lead.language],
    [t('Time zone'), lead.timeZone],
    [t('No contact by'), lead.doNotContact.map(name).join(', ')],
    [t('Campaigns'), lead.campaignLeads.nodes.map(({ campaign }) => campaign?.name).filter(Boolean).join(', ')],
    [t('Notes'), lead.notes],
    [t('Known since'), time(lead.createdAt)],
  ];
  const row = ([term, value]) => value && h('div', {}, h('dt', {}, term), h('dd', {}, value));
  return h('dl', { class: 'facts' }, rows.map(row));
}

/** All that happened, the latest first: `{ at, title, status, words }`. */
function timeline({ createdAt, contactAttempts, sequenceEnrollments, conversions, consents }) {
  const contacts = contactAttempts.nodes.map(({ channel, status, startedAt, provider, script, campaign, notes }) => ({
    at: startedAt,
    title: name(channel),
    status,
    words: [script?.name, campaign?.name, provider, notes].filter(Boolean).join(' · '),
  }));
  const enrolled = sequenceEnrollments.nodes.map(({ enrolledAt, status, currentStep, sequence }) => ({
    at: enrolledAt,
    title: t('Began the sequence {name}', { name: sequence?.name ?? '' }),
    href: sequence && `#/sequences/${sequence.id}`,
    status,
    words: t('at step {step}', { step: currentStep }),
  }));
  const converted = conversions.nodes.map(({ createdAt: at, status, revenue, currency }) => ({
    at,
    title: t('Conversion'),
    status,
    words: `${revenue} ${currency}`,
  }));
  const said = consents.map(({ givenAt, kind, channel, source, wording }) => ({
    at: givenAt,
    title: `${name(kind)}: ${channel ? name(channel) : t('all ways')}`,
    words: [source, wording && `“${wording}”`].filter(Boolean).join(' · '),
  }));
  const first = { at: createdAt, title: t('Became known'), words: '' };
  return [...contacts, ...enrolled, ...converted, ...said, first].sort((one, other) => Date.parse(other.at) - Date.parse(one.at));
}

function event({ at, title, href, status, words }) {
  const state = status && pill();
  state?.update(status);
  const when = h('time', { datetime: at, title: exactly(at), class: 'quiet' }, time(at));
  return h('li', {}, when, h('p', { class: 'event' }, h('strong', {}, href ? h('a', { href }, title) : title), state?.node), words && h('p', { class: 'quiet' }, words));
}
