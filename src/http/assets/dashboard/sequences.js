// The sequences: what each does, in small, and how many leads it has; and a new one.

import { attempt, fill, h, list, notice, say } from './dom.js';
import { blame, busy, field, radios, rested, trouble } from './forms.js';
import { t } from './language.js';
import { every, live } from './live.js';
import { once } from './once.js';
import { chips, pager, range } from './pages.js';
import { pill } from './progress.js';
import { RUNS_CAMPAIGNS } from './roles.js';
import { CREATE_SEQUENCE, SEQUENCES } from './sequence-operations.js';
import { run, user } from './session.js';
import { enrolled, way } from './ways.js';
import { count, name, plural } from './words.js';

const STATES = ['ALL', 'ACTIVE', 'PAUSED', 'DRAFT', 'ARCHIVED'];
/** How long somebody who types is left alone, and how often the list is read again, in milliseconds. */
const [TYPING, FRESH] = [300, 10_000];

export function sequences(root, { query }) {
  document.title = `${t('Sequences')} · Herald`;
  const place = { status: query.get('status') ?? 'ALL', search: query.get('search') ?? '' };
  const mayWrite = RUNS_CAMPAIGNS.includes(user().role);
  const body = h('div');
  const rows = h('ul', { class: 'flows card' });
  const shown = list(rows, row);
  const states = chips(t('Sequences by state'), STATES, place.status, (status) => go({ status }));
  const pages = pager(go);
  const label = t('Search by name');
  const search = h('input', { type: 'search', placeholder: label, 'aria-label': label, maxlength: 200, value: place.search });
  const make = h('button', { type: 'button', class: 'primary', 'aria-expanded': 'false', onclick: open }, t('New sequence'));
  const form = h('div');
  let asked = 0;

  function open() {
    make.setAttribute('aria-expanded', 'true');
    fill(form, newSequence(() => {
      make.setAttribute('aria-expanded', 'false');
      fill(form);
      make.focus();
    }));
    form.querySelector('input').focus();
  }

  function go(to) {
    Object.assign(place, { after: null, before: null }, to);
    return attempt(body, load);
  }

  async function load() {
    const turn = ++asked;
    const search = place.search || null;
    const filter = { search, statuses: place.status === 'ALL' ? null : [place.status] };
    const { page, ...counts } = await run(SEQUENCES, { filter, search, ...range(place) });
    if (turn !== asked) return; // another one has been asked for meanwhile
    states.update(Object.fromEntries(STATES.map((state) => [state, counts[state].totalCount])));
    shown.show(page.nodes);
    pages.update(page.pageInfo);
    fill(body, page.nodes.length ? rows : nothing(counts.ALL.totalCount || search), pages.node);
  }

  const again = () => load().catch(() => {}); // what is shown stays until the server can be reached again
  const typed = rested(TYPING, () => go({ search: search.value.trim() }));
  search.addEventListener('input', typed);
  root.append(h('div', { class: 'head' }, h('h1', {}, t('Sequences')), h('div', { class: 'controls' }, search, mayWrite && make)));
  root.append(form, states.node, body);
  attempt(body, load);
  const stopReading = every(FRESH, again);
  live.addEventListener('return', again);
  return () => {
    asked = NaN; // no answer is awaited any more
    typed.stop();
    stopReading();
    live.removeEventListener('return', again);
  };
}

const nothing = (isSearched) =>
  isSearched
    ? notice('empty', t('Nothing here'), t('No sequence is like that.'))
    : notice('empty', t('No sequences yet'), t('A sequence writes to a lead step by step: a letter, a text message two days later, a call.'));

function row({ id }) {
  const [title, badge, about] = [h('strong'), h('span', { class: 'tag grave' }), h('span', { class: 'quiet' })];
  const [steps, numbers, status] = [h('span', { class: 'chain' }), h('span', { class: 'quiet' }), pill()];
  const node = h('li', {}, h('a', { href: `#/sequences/${id}` }, h('span', { class: 'what' }, h('span', { class: 'name' }, title, badge), about), steps, numbers, status.node));
  const update = (sequence) => {
    say(title, sequence.name);
    say(badge, sequence.status === 'PAUSED' && sequence.pauseReason ? t('Paused by itself') : '');
    say(about, sequence.pauseReason ?? name(sequence.triggerType));
    const link = (step) => h('span', { class: step.isActive ? 'link' : 'link off', title: name(step.channel) }, way(step.channel));
    const words = sequence.steps.map((step) => name(step.channel)).join(', ');
    fill(steps, ...sequence.steps.slice(0, 8).map(link), h('span', { class: words ? 'unseen' : 'quiet' }, words || t('No step yet')));
    const isMore = sequence.steps.length > 8;
    if (isMore) steps.append(h('span', { class: 'quiet' }, `+${count(sequence.steps.length - 8)}`));
    const onWay = enrolled(sequence.enrollmentCounts, 'ACTIVE');
    say(numbers, t('{count} on the way, {leads} in all', { count: count(onWay), leads: plural(sequence.enrollmentCount, 'lead') }));
    status.update(sequence.status);
  };
  return { node, update };
}

/** The form of a new sequence; `closed` is called when it is given up. */
function newSequence(closed) {
  const make = once();
  const plan = { triggerType: 'MANUAL' };
  const title = field(t('Name'), h('input', { required: true, maxlength: 200, autocomplete: 'off' }));
  const source = field(t('Only from this source'), h('input', { maxlength: 200, autocomplete: 'off' }), t('If you like: empty means from all.'));
  const hours = field(t('Known for so many hours'), h('input', { type: 'number', min: 0, max: 8760, step: 1, value: 24, inputmode: 'numeric' }));
  const narrower = h('div', { class: 'fields' }, source.node, hours.node);
  const kinds = radios(
    t('Who gets into it'),
    [
      ['MANUAL', t('Whom somebody puts in'), t('A person or a script enrolls each lead')],
      ['NEW_LEAD', t('Each new lead'), t('By itself, soon after it became known')],
      ['NO_CONVERSION', t('Who has not bought'), t('By itself, when it was known for a while without a conversion')],
    ],
    plan.triggerType,
    (kind) => {
      plan.triggerType = kind;
      draw();
    },
  );
  const draw = () => {
    narrower.hidden = plan.triggerType === 'MANUAL';
    hours.node.hidden = plan.triggerType !== 'NO_CONVERSION';
  };
  draw();
  const problem = trouble();
  const button = h('button', { class: 'primary', type: 'submit' }, t('Make the sequence'));

  async function submit(event) {
    event.preventDefault();
    say(problem, '');
    const triggerConfig = {
      ...(plan.triggerType !== 'MANUAL' && source.control.value.trim() && { source: source.control.value.trim() }),
      ...(plan.triggerType === 'NO_CONVERSION' && { minAgeHours: Number(hours.control.value) }),
    };
    const input = { name: title.control.value.trim(), triggerType: plan.triggerType, triggerConfig };
    try {
      const made = await busy(button, t('Saving…'), () => make(input, (input) => run(CREATE_SEQUENCE, { input })));
      location.hash = `#/sequences/${made.createRetentionSequence.sequence.id}`;
    } catch (error) {
      blame(error, { name: title, source, minAgeHours: hours }, problem);
    }
  }
  const back = h('button', { type: 'button', onclick: closed }, t('Back'));
  const foot = h('div', { class: 'onward' }, back, button);
  const heading = h('h2', { id: 'new-sequence' }, t('New sequence'));
  const form = h('form', { class: 'stack', novalidate: true, onsubmit: submit }, title.node, kinds, narrower, problem, foot);
  return h('section', { class: 'card stack made', 'aria-labelledby': 'new-sequence' }, heading, form);
}
