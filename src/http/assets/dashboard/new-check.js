// The last screen: what was chosen, what a start would find, and the start.

import { h, say, toast } from './dom.js';
import { audience, discard, forget, keep } from './draft.js';
import { busy, trouble } from './forms.js';
import { t } from './language.js';
import { CONTROLS } from './operations.js';
import { preflight } from './preflight.js';
import { UPDATE_CAMPAIGN } from './new-operations.js';
import { run } from './session.js';
import { count, plural, time } from './words.js';

export function check(root, { plan, back }) {
  const { id } = plan.made.campaign;
  const found = preflight(id, draw);
  const problem = trouble();
  const isPlanned = plan.how.start === 'AT';
  const start = h('button', { class: 'primary', type: 'button', disabled: true, onclick: () => act(isPlanned ? schedule : begin) });
  start.textContent = isPlanned ? t('Plan the start') : t('Start now');
  const later = h('button', { type: 'button', onclick: () => leave(t('It is kept in the list, and waits for its start.')) }, t('Keep it for later'));
  const away = h('button', { type: 'button', class: 'danger', onclick: () => act(throwAway, away) }, t('Discard'));
  const foot = h('div', { class: 'onward' }, h('button', { type: 'button', onclick: back }, t('Back')), away, later, start);

  /** The start can be pressed once nothing stands in its way. */
  function draw(state) {
    start.disabled = !state?.isReady;
    if (state) return;
    plan.made.campaign = null;
    keep(plan);
    say(problem, t('Somebody has deleted or started this campaign meanwhile. Go back to make it again.'));
  }

  async function act(work, button = start) {
    say(problem, '');
    try {
      await busy(button, t('Working…'), work);
    } catch (error) {
      say(problem, error.message);
      problem.focus();
    }
  }

  async function begin() {
    const state = await found.check(); // much may have happened since it was looked at
    draw(state);
    if (!state?.isReady) return;
    await run(CONTROLS.start, { id });
    leave(t('Started.'), id);
  }

  async function schedule() {
    const scheduledAt = new Date(plan.how.at).toISOString();
    await run(UPDATE_CAMPAIGN, { input: { id, scheduledAt } });
    leave(t('It starts by itself at {time}.', { time: time(scheduledAt) }), id);
  }

  async function throwAway() {
    await discard(plan.made.campaign);
    forget();
    toast(t('The campaign was discarded. Its text is kept as a template.'));
    location.hash = '#/campaigns';
  }

  function leave(sentence, to = null) {
    forget();
    toast(sentence);
    location.hash = to ? `#/campaigns/${to}` : '#/campaigns';
  }

  root.append(h('div', { class: 'stack narrow' }, summary(plan), found.node, problem, foot));
  found.update({ status: 'QUEUED' });
  return found.stop;
}

/** What was chosen, each with the way back to it. */
function summary(plan) {
  const { how, what, found } = plan;
  const text = what.kind === 'TEXT' ? what.name : t('A saved template');
  const attached = what.media ? `, ${t('with {name}', { name: what.media.name })}` : '';
  const senders = how.accounts === 'ALL' ? t('all active accounts') : plural(how.accountIds.length, 'account');
  const mode = how.mode === 'TEST' ? t('A test, to Saved Messages') : t('To the channels');
  const rows = [
    [t('Whom'), `${audience(plan)}: ${plural(found.count, 'channel')}`, ''],
    [t('What'), `${text}${attached}`, 'what'],
    [t('How'), `${mode}, ${t('at most {count} a minute', { count: count(how.deliveryRate) })}, ${senders}`, 'how'],
    [t('When'), how.start === 'AT' ? time(new Date(how.at).toISOString()) : t('When Start is pressed'), 'how'],
  ];
  const row = ([term, value, path]) => {
    const link = h('a', { href: `#/new${path && `/${path}`}`, 'aria-label': t('Change: {what}', { what: term }) }, t('Change'));
    return h('div', {}, h('dt', {}, term), h('dd', {}, h('span', {}, value), link));
  };
  const heading = h('h2', { id: 'chosen' }, how.name);
  return h('section', { class: 'card', 'aria-labelledby': 'chosen' }, heading, h('dl', { class: 'facts summary' }, rows.map(row)));
}
