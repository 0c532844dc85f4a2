// Reports over time: what was sent and why not, what leads answered and brought, by way and by script.

import { now } from './api.js';
import { attempt, fill, h } from './dom.js';
import { field } from './forms.js';
import { language, t } from './language.js';
import { live } from './live.js';
import { BY_CHANNEL, byScript, REPORT_SCRIPTS, SERIES } from './report-operations.js';
import { run } from './session.js';
import { rankChart, timeChart } from './time-chart.js';
import { count, locale, name, plural } from './words.js';

const DAY = 86_400_000;
/** The periods: how many days they go back, and by what they are divided. */
const PERIODS = { 1: [t('The last day'), 'HOUR'], 7: [t('The last 7 days'), 'DAY'], 30: [t('The last 30 days'), 'DAY'], 90: [t('The last 90 days'), 'DAY'] };
/** Scripts that are asked for in one operation. */
const AT_ONCE = 20;
const CHANNELS = ['EMAIL', 'SMS', 'CALL', 'TELEGRAM', 'WEBHOOK'];
const FAILURES = ['FAILED', 'PAUSED', 'THIRD', 'CANCELLED', 'RUNNING'];
const OWN_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function reports(root, { query }) {
  document.title = `${t('Reports')} · Herald`;
  const place = { period: PERIODS[query.get('period')] ? query.get('period') : '30', zone: query.get('zone') || OWN_ZONE, channel: query.get('channel') ?? '' };
  const body = h('div', { class: 'charts' });
  const select = (label, key, options) => {
    const control = h('select', {}, options.map(([value, words]) => h('option', { value, selected: value === place[key] }, words)));
    control.addEventListener('change', () => go({ [key]: control.value }));
    return field(label, control).node;
  };
  const zones = [...new Set([OWN_ZONE, 'UTC', place.zone, ...Intl.supportedValuesOf('timeZone')])];
  const choices = h(
    'div',
    { class: 'fields choices' },
    select(t('Period'), 'period', Object.entries(PERIODS).map(([value, [label]]) => [value, label])),
    select(t('Time zone'), 'zone', zones.map((zone) => [zone, zone])),
    select(t('Way of contact'), 'channel', [['', t('All ways')], ...CHANNELS.map((one) => [one, name(one)])]),
  );
  let asked = 0;

  function go(to) {
    Object.assign(place, to);
    const known = Object.entries(place).filter(([, value]) => value);
    history.replaceState(null, '', `#/reports?${new URLSearchParams(known)}`);
    return attempt(body, load);
  }

  async function load() {
    const turn = ++asked;
    const from = begin(place);
    const filter = { channels: place.channel ? [place.channel] : null };
    const [series, channels, scripts] = await Promise.all([
      run(SERIES, { interval: PERIODS[place.period][1], from, timeZone: place.zone, filter }),
      run(BY_CHANNEL, { from }),
      scriptFigures(place, from),
    ]);
    if (turn !== asked) return;
    fill(body, ...charts(series, channels.channelReport.channels, scripts, place));
  }

  const again = () => load().catch(() => {}); // what is shown stays until the server can be reached again
  root.append(h('div', { class: 'head' }, h('h1', {}, t('Reports'))), choices, body);
  attempt(body, load);
  live.addEventListener('return', again);
  return () => {
    asked = NaN; // no answer is awaited any more
    live.removeEventListener('return', again);
  };
}

/**
 * The beginning of a day, or of an hour, of the chosen zone. Until when is left to the server, whose time this page knows to some
 * seconds only: what was sent in the last of them would be missing.
 */
function begin({ period, zone }) {
  const here = now();
  const parts = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: 'numeric', minute: 'numeric', second: 'numeric', hourCycle: 'h23' }).formatToParts(here);
  const [hour, minute, second] = ['hour', 'minute', 'second'].map((type) => Number(parts.find((part) => part.type === type).value));
  const since = (minute * 60 + second) * 1000 + (period === '1' ? 0 : hour * 3_600_000);
  const back = period === '1' ? DAY - 3_600_000 : (Number(period) - 1) * DAY;
  return new Date(Math.floor((here - since - back) / 1000) * 1000).toISOString();
}

/** What was sent with each script, the most used first; `left` is how many more there are than a page has. */
async function scriptFigures({ channel }, from) {
  const { scripts } = await run(REPORT_SCRIPTS, { filter: { types: channel ? [channel] : null } });
  const parts = Array.from({ length: Math.ceil(scripts.nodes.length / AT_ONCE) }, (_, n) => scripts.nodes.slice(n * AT_ONCE, (n + 1) * AT_ONCE));
  const rows = await Promise.all(parts.map((part) => figuresOf(part, from)));
  const used = rows.flat().filter(({ values }) => values.sent + values.failed + values.others);
  return { rows: used.sort((one, other) => other.values.sent - one.values.sent), left: scripts.totalCount - scripts.nodes.length };
}

async function figuresOf(scripts, from) {
  const filters = scripts.map(({ id }, n) => [`f${n}`, { scriptId: id, startedAfter: from }]);
  const found = await run(byScript(scripts), Object.fromEntries(filters));
  const of = (groups, statuses) => groups.reduce((sum, { status, count }) => sum + (statuses.includes(status) ? count : 0), 0);
  return scripts.map(({ id, name: label, type }, n) => {
    const { groups, total } = found[`s${n}`];
    const [sent, failed] = [of(groups, ['SENT', 'DELIVERED', 'SUCCESS']), of(groups, ['FAILED', 'BOUNCED'])];
    return { id, label: `${label} · ${name(type)}`, values: { sent, failed, others: total - sent - failed } };
  });
}

/** All charts of the page. */
function charts({ sends, contacts }, channels, scripts, { zone, period }) {
  const day = new Intl.DateTimeFormat(locale, { timeZone: zone, day: 'numeric', month: 'short', ...(period === '1' && { hour: '2-digit', minute: '2-digit' }) });
  const at = (point) => day.format(new Date(point.from));
  const posts = timeChart({ title: t('Messages to channels'), words: count, series: [{ key: 'sent', label: t('Sent'), status: 'SENT' }, { key: 'failed', label: t('Failed'), status: 'FAILED' }] });
  posts.update(sends.points.map((point) => ({ at: at(point), values: point })));
  const letters = timeChart({ title: t('Contacts of leads'), words: count, series: [{ key: 'sent', label: t('Sent'), status: 'SENT' }, { key: 'failed', label: t('Failed'), status: 'FAILED' }, { key: 'bounced', label: t('Sent back'), status: 'THIRD' }, { key: 'unknown', label: t('Unknown'), status: 'UNKNOWN' }] });
  letters.update(contacts.points.map((point) => ({ at: at(point), values: endsOf(point.figures) })));
  const answers = timeChart({ title: t('Answers and conversions'), words: count, series: [{ key: 'replied', label: t('Answered'), status: 'RUNNING' }, { key: 'conversions', label: t('Conversions'), status: 'SENT' }] });
  answers.update(contacts.points.map((point) => ({ at: at(point), values: point.figures })));
  return [posts.node, reasons(sends.points, at), letters.node, answers.node, ...money(contacts.points, at), byWay(channels), byText(scripts)];
}

/** Each contact once: what a provider has taken, whatever became of it later, and what it has not. */
const endsOf = ({ sent, delivered, success, failed, bounced, unknown }) => ({ sent: sent + delivered + success, failed, bounced, unknown });

/** Why messages failed, over time; the rarest reasons together. */
function reasons(points, at) {
  const all = new Map();
  for (const { reason, sentence, count } of points.flatMap(({ failures }) => failures)) {
    all.set(reason, { reason, sentence, count: count + (all.get(reason)?.count ?? 0) });
  }
  const most = [...all.values()].sort((one, other) => other.count - one.count);
  const own = most.slice(0, FAILURES.length - 1);
  const series = own.map(({ reason, sentence }, n) => ({ key: reason, label: sentence, status: FAILURES[n] }));
  if (most.length > own.length) series.push({ key: 'others', label: t('Other reasons'), status: FAILURES.at(-1) });
  if (!series.length) series.push({ key: 'none', label: t('Failed'), status: 'FAILED' });
  const chart = timeChart({ title: t('Why messages failed'), words: count, series });
  chart.update(points.map((point) => {
    const values = { others: 0 };
    for (const { reason, count } of point.failures) values[own.some((one) => one.reason === reason) ? reason : 'others'] = count;
    return { at: at(point), values };
  }));
  return chart.node;
}

/** Revenue over time, a chart for each currency. */
function money(points, at) {
  const currencies = [...new Set(points.flatMap(({ figures }) => figures.revenue.map(({ currency }) => currency)))];
  const amount = (list, currency) => Number(list.find((one) => one.currency === currency)?.amount ?? 0);
  return currencies.map((currency) => {
    const format = new Intl.NumberFormat(language, { style: 'currency', currency, maximumFractionDigits: 2, trailingZeroDisplay: 'stripIfInteger' });
    const chart = timeChart({ title: t('Revenue in {currency}', { currency }), words: (sum) => format.format(sum), series: [{ key: 'revenue', label: t('Revenue'), status: 'SENT' }] });
    chart.update(points.map((point) => ({ at: at(point), values: { revenue: amount(point.figures.revenue, currency) } })));
    return chart.node;
  });
}

function byWay(channels) {
  const columns = [
    { key: 'sent', label: t('Sent'), status: 'SENT' },
    { key: 'failed', label: t('Failed'), status: 'FAILED' },
    { key: 'bounced', label: t('Sent back'), status: 'THIRD' },
    { key: 'unknown', label: t('Unknown'), status: 'UNKNOWN' },
    { key: 'replied', label: t('Answered') },
    { key: 'clicked', label: t('Clicked') },
    { key: 'conversions', label: t('Conversions') },
  ];
  const chart = rankChart({ title: t('By way of contact'), empty: t('Nothing in this period.'), columns, words: count });
  const rows = channels.map(({ channel, figures }) => ({
    id: channel ?? '',
    label: channel ? name(channel) : t('Without a contact'),
    values: { ...figures, ...endsOf(figures) },
    hint: [figures.replied && t('{count} answered', { count: count(figures.replied) }), figures.conversions && t('{count} converted', { count: count(figures.conversions) })].filter(Boolean).join(', '),
  }));
  chart.update(rows.filter(({ values }) => values.attempts || values.conversions));
  return chart.node;
}

function byText(scripts) {
  const columns = [
    { key: 'sent', label: t('Sent'), status: 'SENT' },
    { key: 'failed', label: t('Failed'), status: 'FAILED' },
    { key: 'others', label: t('Others'), status: 'RUNNING' },
  ];
  const chart = rankChart({ title: t('By script'), empty: t('Nothing in this period.'), columns, words: count });
  chart.update(scripts.rows);
  if (scripts.left) chart.node.append(h('p', { class: 'quiet small' }, t('{scripts} more are not shown.', { scripts: plural(scripts.left, 'script') })));
  return chart.node;
}
