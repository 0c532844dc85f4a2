// A campaign from nothing, on four screens: whom, what, how, and the look before the start.

import { attempt, h, notice } from './dom.js';
import { draft, isSaved, keep, settle, templateId } from './draft.js';
import { t } from './language.js';
import { check } from './new-check.js';
import { how } from './new-how.js';
import { what } from './new-what.js';
import { whom } from './new-whom.js';
import { RUNS_CAMPAIGNS } from './roles.js';
import * as session from './session.js';
import { name } from './words.js';

/** The screens in their order: the address, the name in the line of steps, the heading, the view. */
const STEPS = [
  { path: '', label: t('Whom'), title: t('Whom does it reach?'), view: whom },
  { path: 'what', label: t('What'), title: t('What does it say?'), view: what },
  { path: 'how', label: t('How'), title: t('How is it sent?'), view: how },
  { path: 'check', label: t('Check'), title: t('Is all as it should be?'), view: check },
];

const address = ({ path }) => `#/new${path && `/${path}`}`;

export function newCampaign(root, { id: path = '' }) {
  const { role } = session.user();
  if (!RUNS_CAMPAIGNS.includes(role)) return refused(root, role);
  const plan = draft();
  const frame = h('div', { class: 'new' });
  root.append(frame);
  let isLeft = false;
  let leave = null;
  const open = () => {
    if (!isLeft) leave = screen(frame, plan, path, () => isLeft);
  };
  if (path === 'check' || !plan.made.campaign) open(); // the check looks for itself
  else attempt(frame, () => settle(plan).then(open));
  return () => {
    isLeft = true;
    leave?.();
  };
}

/** The screen at this path, or the furthest before it that can be gone to; returns what stops it. Once it was left it changes nothing. */
function screen(frame, plan, path, isLeft) {
  const at = Math.min(Math.max(0, STEPS.findIndex((step) => step.path === path)), reached(plan));
  const step = STEPS[at];
  if (step.path !== path) history.replaceState(null, '', address(step));
  document.title = `${step.title} · Herald`;

  const body = h('div', { class: 'step' });
  const place = h('p', { class: 'quiet' }, t('New campaign, step {step} of {steps}', { step: at + 1, steps: STEPS.length }));
  frame.replaceChildren(line(plan, at, body), place, h('h1', { tabindex: '-1' }, step.title), body);
  const go = (to) => {
    if (isLeft()) return;
    keep(plan);
    location.hash = address(STEPS[to]);
  };
  return step.view(body, {
    plan,
    change: () => isLeft() || keep(plan),
    next: () => go(at + 1),
    back: at > 0 ? () => go(at - 1) : null,
  });
}

/** The furthest screen for which all before it is there. */
function reached(plan) {
  if (!plan.found.count) return 0;
  if (!templateId(plan) || !plan.what.isDone) return 1;
  return isSaved(plan) ? 3 : 2; // what is started is what is shown
}

/** The line of steps: those that were reached can be gone to. The way to the check saves what was changed on this screen, as its button does. */
function line(plan, at, body) {
  const most = Math.max(at, reached(plan));
  const follow = (event, n) => {
    const form = n === at + 1 && STEPS[n].view === check && !isSaved(plan) && body.querySelector('form');
    if (!form) return;
    event.preventDefault();
    form.requestSubmit();
  };
  const item = (step, n) => {
    const words = [h('span', { class: 'dot', 'aria-hidden': 'true' }, n < at ? '✓' : String(n + 1)), step.label];
    const link = h('a', { href: address(step), 'aria-current': n === at && 'step', onclick: (event) => follow(event, n) }, words);
    return h('li', { 'data-state': n < at ? 'done' : n === at ? 'now' : 'later' }, n <= most ? link : h('span', {}, words));
  };
  return h('nav', { 'aria-label': t('Steps') }, h('ol', { class: 'steps' }, STEPS.map(item)));
}

function refused(root, role) {
  document.title = `${t('New campaign')} · Herald`;
  const back = h('a', { class: 'button', href: '#/campaigns' }, t('All campaigns'));
  const why = t('Campaigns are made by operators and admins, and you are signed in as {role}. An admin can give you another role.', {
    role: name(role),
  });
  root.append(h('h1', { tabindex: '-1' }, t('New campaign')), notice('empty', t('Your role only reads'), why, back));
  return () => {};
}
