// Before the start: whom a campaign would write to, whom it leaves out and why, and what stands in its way.

import { fill, h } from './dom.js';
import { PREFLIGHT } from './operations.js';
import { run } from './session.js';
import { count, plural } from './words.js';
import { t } from './language.js';

/** Usernames that are shown of those that are left out. */
const SHOWN = 5;

/**
 * The section; it is hidden once the campaign was started. `check` looks anew, and gives what the start would find; null once there
 * is nothing to start. `heard` is told it too, whenever it was found, `refused` the error of a look that nobody has waited for.
 */
export function preflight(id, heard = () => {}, refused = () => {}) {
  const body = h('div');
  const again = h('button', { onclick: () => check().catch(failed) }, t('Check again'));
  const head = h('div', { class: 'head' }, h('h2', { id: 'preflight' }, t('Before the start')), again);
  const node = h('section', { class: 'card preflight', 'aria-labelledby': 'preflight', hidden: true }, head, body);
  let isLeft = false;
  let wasAsked = false;

  async function check() {
    node.setAttribute('aria-busy', 'true');
    again.disabled = true;
    try {
      const { broadcastCampaignPreflight: found } = await run(PREFLIGHT, { id });
      if (!isLeft && found) fill(body, ...told(found));
      if (!isLeft) heard(found);
      return found;
    } finally {
      node.removeAttribute('aria-busy');
      again.disabled = false;
    }
  }

  const failed = (error) => {
    if (isLeft) return;
    fill(body, h('p', { class: 'why' }, error.message));
    refused(error);
  };

  /** It looks by itself once: a large audience takes a while. */
  const update = ({ status }) => {
    node.hidden = status !== 'QUEUED';
    if (node.hidden || wasAsked) return;
    wasAsked = true;
    check().catch(failed);
  };
  const stop = () => {
    isLeft = true;
  };
  return { node, update, check, stop };
}

function told(found) {
  const { isReady, recipients, problems, leftOut, warnings, unknownPlaceholders, closedChannels, paidChannels } = found;
  const state = isReady ? t('It can be started') : t('It can’t be started');
  const fails = (channels, why) => channels && t('{channels}: {why}. Sends to them will fail.', { channels: plural(channels, 'channel'), why });
  const notes = [
    ...warnings.map(sentence),
    ...unknownPlaceholders.map(unknown),
    fails(closedChannels, t('only others may post there, as far as is known')),
    fails(paidChannels, t('each message costs Telegram Stars')),
  ];
  const whom = ` ${t('It would write to {channels}.', { channels: plural(recipients, 'channel') })}`;
  return [
    h('p', { class: isReady ? 'ready' : 'bad' }, h('strong', {}, `${state}.`), whom),
    section(t('What stands in its way'), problems.map((problem) => h('li', { class: 'bad' }, sentence(problem)))),
    section(t('Left out'), leftOut.map(leftOutRow)),
    section(t('Worth a look'), notes.filter(Boolean).map((note) => h('li', {}, note))),
  ].filter(Boolean);
}

const unknown = ({ name, count }) =>
  t('{placeholder} is not known of {channels}: there its default stands, or nothing.', {
    placeholder: `{{ ${name} }}`,
    channels: plural(count, 'channel'),
  });

const section = (title, rows) =>
  rows.length ? h('div', {}, h('h3', {}, title), h('ul', { class: 'told' }, rows)) : null;

/** What the API says without a capital and a full stop. */
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;

function leftOutRow({ count: channels, usernames, failure }) {
  const names = usernames.slice(0, SHOWN).map((username) => `@${username}`);
  const rest = channels - names.length;
  const who = names.length ? `${names.join(', ')}${rest > 0 ? ` ${t('and {count} more', { count: count(rest) })}` : ''}` : '';
  const line = h('p', {}, failure.sentence, ' ', h('strong', {}, `(${plural(channels, 'channel')})`));
  const quiet = [failure.remedy, who].filter(Boolean).map((text) => h('p', { class: 'quiet' }, text));
  return h('li', { 'data-reason': failure.reason }, h('div', {}, line, quiet));
}
