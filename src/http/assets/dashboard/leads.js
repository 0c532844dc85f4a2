// The leads: found by name, email or number, and by how far they are.

import { attempt, fill, h, list, notice, say } from './dom.js';
import { rested } from './forms.js';
import { t } from './language.js';
import { chips, pager, range } from './pages.js';
import { pill } from './progress.js';
import { run } from './session.js';
import { LEADS } from './things-operations.js';
import { name, time } from './words.js';

const STATES = ['ALL', 'NEW', 'IN_PROGRESS', 'CONTACTED', 'CONVERTED', 'DO_NOT_CONTACT'];
/** How long somebody who types is left alone, in milliseconds. */
const TYPING = 300;

/** What a lead is called: by its name, or by whatever is known of it. */
export const called = ({ firstName, lastName, email, phone, externalId }) =>
  [firstName, lastName].filter(Boolean).join(' ') || email || phone || externalId || t('Nameless');

export function leads(root, { query }) {
  document.title = `${t('Leads')} · Herald`;
  const place = { status: query.get('status') ?? 'ALL', search: query.get('search') ?? '', after: query.get('after') };
  place.before = query.get('before');
  const body = h('div');
  const rows = h('ul', { class: 'people card' });
  const shown = list(rows, row);
  const states = chips(t('Leads by state'), STATES, place.status, (status) => go({ status }));
  const pages = pager(go);
  const label = t('Search by name, email or number');
  const search = h('input', { type: 'search', placeholder: label, 'aria-label': label, maxlength: 200, value: place.search });
  let asked = 0;

  function go(to) {
    Object.assign(place, { after: null, before: null }, to);
    const known = Object.entries(place).filter(([, value]) => value && value !== 'ALL');
    history.replaceState(null, '', `#/leads${known.length ? `?${new URLSearchParams(known)}` : ''}`);
    return attempt(body, load);
  }

  async function load() {
    const turn = ++asked;
    const search = place.search || null;
    const filter = { search, statuses: place.status === 'ALL' ? null : [place.status] };
    const { page, ...counts } = await run(LEADS, { filter, search, ...range(place) });
    if (turn !== asked) return; // another one has been asked for meanwhile
    states.update(Object.fromEntries(STATES.map((state) => [state, counts[state].totalCount])));
    shown.show(page.nodes);
    pages.update(page.pageInfo);
    const none = () => notice('empty', t('Nobody here'), t('No lead is like that.'));
    fill(body, page.nodes.length ? rows : none(), pages.node);
  }

  const typed = rested(TYPING, () => go({ search: search.value.trim() }));
  search.addEventListener('input', typed);
  root.append(h('div', { class: 'head' }, h('h1', {}, t('Leads')), search), states.node, body);
  attempt(body, load);
  return () => {
    asked = NaN; // no answer is awaited any more
    typed.stop();
  };
}

function row({ id }) {
  const [title, how, from] = [h('strong'), h('span', { class: 'quiet' }), h('span', { class: 'quiet' })];
  const status = pill();
  const node = h('li', {}, h('a', { href: `#/leads/${id}` }, title, how, from, status.node));
  const update = (lead) => {
    say(title, called(lead));
    say(how, [lead.email, lead.phone].filter(Boolean).join(' · '));
    say(from, t('{source}, since {time}', { source: name(lead.source), time: time(lead.createdAt) }));
    status.update(lead.status);
  };
  return { node, update };
}
