// The audit log: what has happened, and what happens now.

import { attempt, fill, h, list, notice } from './dom.js';
import { live } from './live.js';
import { AUDIT_LOGGED, AUDIT_LOGS } from './operations.js';
import { run } from './session.js';
import { details, exactly, name, time } from './words.js';
import { t } from './language.js';

const FILTERS = {
  [t('Everything')]: null,
  [t('Warnings and worse')]: ['WARNING', 'ERROR', 'CRITICAL'],
};
/** So many lines are kept in the page at most. */
const MOST = 500;

export function audit(root) {
  document.title = `${t('Audit log')} · Herald`;
  const rows = h('ol', { class: 'audit card' });
  const body = h('div');
  const shown = list(rows, auditRow);
  const older = h('button', { onclick: () => attempt(body, () => load(end)) }, t('Older lines'));
  const filter = h('select', { 'aria-label': t('Which lines'), onchange: begin }, Object.keys(FILTERS).map(option));
  const severities = () => FILTERS[filter.value];

  let lines = null; // not read yet
  let early = []; // what came before they were
  let end = null;
  let hasOlder = false;
  let asked = 0;
  let stopFollowing = () => {};

  async function load(after = null) {
    const turn = ++asked;
    const { auditLogs } = await run(AUDIT_LOGS, { filter: { severities: severities() }, after });
    if (turn !== asked) return;
    end = auditLogs.pageInfo.endCursor;
    hasOlder = auditLogs.pageInfo.hasNextPage;
    put(after ? [...lines, ...auditLogs.nodes] : [...early, ...auditLogs.nodes]);
    early = [];
  }

  function put(next) {
    const unique = new Map(next.map((line) => [line.id, line]));
    lines = [...unique.values()].slice(0, MOST);
    shown.show(lines);
    older.hidden = !hasOlder || lines.length === MOST;
    fill(body, lines.length ? rows : notice('empty', t('Nothing here'), t('No line is like that.')), older);
  }

  function begin() {
    stopFollowing();
    early = [];
    lines = null;
    const next = ({ auditLogged: line }) => (lines ? put([line, ...lines]) : early.unshift(line));
    stopFollowing = live.subscribe(AUDIT_LOGGED, { severities: severities() }, { next });
    attempt(body, load);
  }

  const again = () => load().catch(() => {}); // the stream does not repeat what was missed
  root.append(h('div', { class: 'head' }, h('h1', {}, t('Audit log')), filter), body);
  begin();
  live.addEventListener('return', again);
  return () => {
    asked = NaN; // no answer is awaited any more
    stopFollowing();
    live.removeEventListener('return', again);
  };
}

const option = (text) => h('option', {}, text);

function auditRow(line) {
  const who = line.user?.username ?? (line.ipAddress ? t('nobody') : 'Herald');
  const node = h(
    'li',
    { 'data-severity': line.severity, 'data-action': line.action },
    h('time', { datetime: line.timestamp, title: exactly(line.timestamp) }, time(line.timestamp)),
    h('span', { class: 'event' }, h('strong', {}, name(line.action)), line.severity === 'INFO' ? null : severity(line)),
    h('span', { class: 'who' }, who, line.ipAddress && h('span', { class: 'quiet' }, ` ${t('from {address}', { address: line.ipAddress })}`)),
    subject(line),
    h('span', { class: 'details' }, details(line.metadata)),
  );
  return { node, update: () => {} }; // lines never change
}

const severity = (line) => h('span', { class: 'pill', 'data-status': line.severity }, name(line.severity));

/** What it was done to; campaigns have a page here. */
function subject({ resourceType, resourceId }) {
  if (resourceType === 'BroadcastCampaign' && resourceId) return h('a', { href: `#/campaigns/${resourceId}` }, t('Campaign'));
  return h('span', { class: 'quiet' }, resourceType ?? '');
}
