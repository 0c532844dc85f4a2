// The A/B tests: their arms, how sure the difference is by now, and what the rule says; read again while they run.

import { attempt, confirm, fill, h, list, notice, say, toast } from './dom.js';
import { busy, trouble } from './forms.js';
import { interval } from './interval.js';
import { t } from './language.js';
import { every, live } from './live.js';
import { once } from './once.js';
import { chips, pager, range } from './pages.js';
import { pill } from './progress.js';
import { RUNS_CAMPAIGNS } from './roles.js';
import { AB_TESTS, TEST_CONTROLS } from './sequence-operations.js';
import { run, user } from './session.js';
import { newTest } from './test-form.js';
import { count, name, percent, plural, time } from './words.js';

const STATES = ['ALL', 'RUNNING', 'DRAFT', 'COMPLETED'];
/** How often the numbers are read again, in milliseconds. */
const FRESH = 5_000;

const GOALS = { CONVERSION: t('Conversions'), CLICK: t('Clicks'), REPLY: t('Answers') };
const DECISIONS = {
  WINNER_A: t('A has won.'),
  WINNER_B: t('B has won.'),
  KEEP_RUNNING: t('It is not decided yet.'),
  FUTILE: t('There is no difference worth waiting for.'),
};
const REASONS = {
  SAMPLE_TOO_SMALL: t('too few leads so far'),
  TOO_FEW_EVENTS: t('too few successes so far'),
  RUN_TOO_SHORT: t('it has not run for long enough'),
  SAMPLE_RATIO_MISMATCH: t('the leads are not divided as they should be: something is broken'),
  NOT_DECISIVE: t('the difference may still be chance'),
};

export function tests(root, { query }) {
  document.title = `${t('A/B tests')} · Herald`;
  const place = { status: query.get('status') ?? 'ALL' };
  const body = h('div');
  const rows = h('ul', { class: 'cards tests' });
  const shown = list(rows, (test) => row(test, again));
  const states = chips(t('Tests by state'), STATES, place.status, (status) => go({ status }));
  const pages = pager(go);
  const mayMake = RUNS_CAMPAIGNS.includes(user().role);
  const form = newTest(GOALS, () => again());
  let asked = 0;

  function go(to) {
    Object.assign(place, { after: null, before: null }, to);
    return attempt(body, load);
  }

  async function load() {
    const turn = ++asked;
    const filter = { statuses: place.status === 'ALL' ? null : [place.status] };
    const { abTests } = await run(AB_TESTS, { filter, ...range(place) });
    if (turn !== asked) return;
    shown.show(abTests.nodes);
    pages.update(abTests.pageInfo);
    const none = () => notice('empty', t('No test here'), t('A test sends two scripts to like leads and says which does better.'));
    fill(body, abTests.nodes.length ? rows : none(), pages.node);
  }

  const again = () => load().catch(() => {}); // what is shown stays until the server can be reached again
  root.append(h('div', { class: 'head' }, h('h1', {}, t('A/B tests'))), ...(mayMake ? [form.node] : []), states.node, body);
  for (const number of states.node.querySelectorAll('.number')) number.remove(); // the list says it
  attempt(body, load);
  const stopReading = every(FRESH, again);
  live.addEventListener('return', again);
  return () => {
    asked = NaN; // no answer is awaited any more
    stopReading();
    form.stop();
    live.removeEventListener('return', again);
  };
}

function row(test, changed) {
  const [title, about, verdict] = [h('h2'), h('p', { class: 'quiet' }), h('p', { class: 'verdict', role: 'status' })];
  const [status, problem] = [pill(), trouble()];
  const arms = { a: arm('A'), b: arm('B') };
  const head = h('tr', {}, [t('Variant'), ...COLUMNS].map((label) => h('th', { scope: 'col' }, label)));
  const caption = h('caption', { class: 'unseen' }, t('The two variants'));
  const table = h('table', { class: 'lines arms' }, caption, h('thead', {}, head), h('tbody', {}, arms.a.node, arms.b.node));
  const range = interval(test.id);
  const rule = h('p', { class: 'quiet small' });
  const acts = buttons(changed, problem);
  const top = h('div', { class: 'head' }, h('div', { class: 'titled' }, title, status.node), acts.node);
  const node = h('li', { class: 'card' }, top, about, table, range.node, verdict, rule, problem);

  function update(test) {
    const { statistics: numbers, rule: by, step, campaign } = test;
    say(title, test.name);
    status.update(test.status);
    const where = step ? t('step {step} of “{name}”', { step: count(step.stepOrder), name: step.sequence?.name ?? '' }) : campaign && t('in “{name}”', { name: campaign.name });
    const since = test.startedAt && t('since {time}', { time: time(test.startedAt) });
    say(about, [name(test.channel), GOALS[by.goal], where, since].filter(Boolean).join(' · '));
    const best = Math.max(numbers.a.rate ?? 0, numbers.b.rate ?? 0);
    arms.a.update(numbers.a, test.variantA, best, test.winner === 'A');
    arms.b.update(numbers.b, test.variantB, best, test.winner === 'B');
    range.update(numbers);
    const why = numbers.reasons.map((reason) => REASONS[reason]).join(', ');
    const state = test.status === 'DRAFT' ? t('It has not begun.') : test.winner ? t('{arm} was chosen.', { arm: test.winner }) : DECISIONS[numbers.decision];
    say(verdict, why && test.status === 'RUNNING' ? `${state} ${t('Why: {reasons}.', { reasons: why })}` : state);
    verdict.className = numbers.decision.startsWith('WINNER') || test.winner ? 'verdict good' : 'verdict';
    const sure = percent(Math.floor(1000 * numbers.probabilityBIsBetter), 1000);
    const until = t('At least {leads} each and {days}', { leads: plural(by.minSample, 'lead'), days: plural(by.minDays, 'day') });
    say(rule, [test.status !== 'DRAFT' && t('B is better with a probability of {share}', { share: sure }), until].filter(Boolean).join(' · '));
    acts.update(test);
  }
  return { node, update };
}

const COLUMNS = [t('Leads'), t('Sent'), t('Reached the goal'), t('Rate')];

/** A line of the table: one of the two. On a phone each number has its label beside it. */
function arm(letter) {
  const [script, rate] = [h('span'), h('strong')];
  const [leads, sent, reached, share] = COLUMNS.map((label) => h('td', { 'data-label': label }));
  const crown = h('span', { class: 'tag' });
  const part = h('span', { 'data-status': letter === 'A' ? 'RUNNING' : 'SENT' });
  const bar = h('div', { class: 'bar', 'aria-hidden': 'true' }, part);
  const node = h('tr', {}, h('th', { scope: 'row' }, h('b', {}, letter), ' ', script, ' ', crown), leads, sent, reached, share);
  share.append(rate, bar);
  const update = (numbers, variant, best, hasWon) => {
    say(script, variant?.name ?? t('deleted script'));
    say(crown, hasWon ? t('Winner') : '');
    say(leads, count(numbers.assigned));
    say(sent, count(numbers.sent));
    say(reached, count(numbers.successes));
    say(rate, numbers.rate === null ? '–' : percent(Math.round(10_000 * numbers.rate), 10_000));
    part.style.width = `${best ? (100 * (numbers.rate ?? 0)) / best : 0}%`;
  };
  return { node, update };
}

/** What can be done to a test; what is refused is said at `problem`. */
function buttons(changed, problem) {
  const press = once();
  let test;
  const work = {
    start: () => press({ id: test.id }, (input) => run(TEST_CONTROLS.start, { input })),
    declare: () => run(TEST_CONTROLS.declare, { input: { id: test.id } }),
    stop: async () => {
      const question = { title: t('Stop the test “{name}”?', { name: test.name }), sentence: t('It ends without a winner, and leads are divided no longer.'), yes: t('Stop the test'), isGrave: true };
      if (await confirm(question)) await run(TEST_CONTROLS.stop, { input: { id: test.id } });
    },
  };
  const button = (act, label, kind) => h('button', { type: 'button', class: kind, onclick: ({ currentTarget }) => go(currentTarget, act) }, label);
  const all = { start: button('start', t('Start'), 'primary'), declare: button('declare', t('Take the winner'), 'primary'), stop: button('stop', t('Stop'), '') };
  const mayWrite = RUNS_CAMPAIGNS.includes(user().role);
  const node = h('div', { class: 'controls' }, mayWrite && Object.values(all));

  async function go(pressed, act) {
    say(problem, '');
    try {
      await busy(pressed, null, work[act]);
      if (act === 'declare') toast(t('From now on everybody gets the winner.'));
    } catch (error) {
      say(problem, error.message);
      problem.focus();
    }
    await changed();
  }
  const update = (next) => {
    test = next;
    for (const [act, button] of Object.entries(all)) button.setAttribute('aria-label', `${button.textContent}: ${next.name}`);
    all.start.hidden = next.status !== 'DRAFT';
    all.stop.hidden = next.status !== 'RUNNING';
    all.declare.hidden = next.status !== 'RUNNING' || !next.statistics.decision.startsWith('WINNER');
  };
  return { node, update };
}
