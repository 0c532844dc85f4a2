// The last screen: what was chosen, what a start would find, and the start.

import { confirm, h, say, toast } from './dom.js';
import { beforeStart } from './controls.js';
import { audience, discard, forget, stateOf } from './draft.js';
import { busy, trouble } from './forms.js';
import { t } from './language.js';
import { CONTROLS } from './operations.js';
import { preflight } from './preflight.js';
import { UPDATE_CAMPAIGN } from './new-operations.js';
import { run } from './session.js';
import { count, plural, time } from './words.js';

export function check(root, { plan, change, back }) {
  const { id, startKey } = plan.made.campaign;
  const found = preflight(id, heard, refused);
  const problem = trouble();
  const isPlanned = plan.how.start === 'AT';
  const start = h('button', { class: 'primary', type: 'button', disabled: true, onclick: () => act(isPlanned ? schedule : begin) });
  start.textContent = isPlanned ? t('Plan the start') : t('Start now');
  const later = h('button', { type: 'button', onclick: () => leave(t('It is kept in the list, and waits for its start.')) }, t('Keep it for later'));
  const away = h('button', { type: 'button', class: 'danger', onclick: () => act(throwAway, away) }, t('Discard'));
  const foot = h('div', { class: 'onward' }, h('button', { type: 'button', onclick: back }, t('Back')), away, later, start);
  let state = null; // what a start would find
  let isBusy = false;
  let isGone = false;
  let isLeft = false;

  /** The start can be pressed once nothing stands in its way. */
  function draw() {
    start.disabled = isBusy || isGone || !state?.isReady;
    later.disabled = away.disabled = isBusy || isGone;
  }

  function heard(next) {
    state = next;
    if (!state) gone();
    draw();
  }

  function gone() {
    isGone = true;
    plan.made.campaign = null;
    change();
    say(problem, t('Somebody has deleted this campaign meanwhile. Go back to make it again.'));
  }

  /** Only a campaign that was started already has nothing to be looked at. */
  function refused(error) {
    if (error.code === 'PRECONDITION_FAILED') return started();
    state = null;
    draw();
  }

  const started = () => leave(t('It was started already.'), id);

  async function act(work, button = start) {
    say(problem, '');
    isBusy = true;
    draw();
    try {
      await busy(button, t('Working…'), work);
    } catch (error) {
      say(problem, error.message);
      problem.focus();
    }
    isBusy = false;
    draw();
    if (document.activeElement === document.body && !button.disabled) button.focus();
  }

  async function begin() {
    try {
      await found.check(); // much may have happened since it was looked at
    } catch (error) {
      if (error.code === 'PRECONDITION_FAILED') return started();
      throw error;
    }
    const campaign = state?.isReady && !isLeft && (await stateOf(id));
    if (!campaign || isLeft || !(await confirm(beforeStart(campaign, state))) || isLeft) return;
    await run(CONTROLS.start, { id, key: startKey });
    leave(t('Started.'), id);
  }

  async function schedule() {
    const scheduledAt = new Date(plan.how.at).toISOString();
    await run(UPDATE_CAMPAIGN, { input: { id, scheduledAt } });
    leave(t('It starts by itself at {time}.', { time: time(scheduledAt) }), id);
  }

  async function throwAway() {
    const question = { title: t('Discard “{name}”?', { name: plan.how.name }), sentence: t('Its text is kept as a template.'), yes: t('Discard') };
    if (!(await confirm({ ...question, isGrave: true })) || isLeft) return;
    if (!(await discard(plan.made.campaign))) return started();
    leave(t('The campaign was discarded. Its text is kept as a template.'));
  }

  function leave(sentence, to = null) {
    if (isLeft) return;
    forget();
    toast(sentence);
    location.hash = to ? `#/campaigns/${to}` : '#/campaigns';
  }

  root.append(h('div', { class: 'stack narrow' }, summary(plan), found.node, problem, foot));
  found.update({ status: 'QUEUED' });
  return () => {
    isLeft = true;
    found.stop();
  };
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
    [t('To whom it really goes'), mode, 'how'],
    [t('How'), `${t('at most {count} a minute', { count: count(how.deliveryRate) })}, ${senders}`, 'how'],
    [t('When'), how.start === 'AT' ? time(new Date(how.at).toISOString()) : t('When Start is pressed'), 'how'],
  ];
  const row = ([term, value, path]) => {
    const link = h('a', { href: `#/new${path && `/${path}`}`, 'aria-label': t('Change: {what}', { what: term }) }, t('Change'));
    return h('div', {}, h('dt', {}, term), h('dd', {}, h('span', {}, value), link));
  };
  const heading = h('h2', { id: 'chosen' }, how.name);
  return h('section', { class: 'card', 'aria-labelledby': 'chosen' }, heading, h('dl', { class: 'facts summary' }, rows.map(row)));
}
