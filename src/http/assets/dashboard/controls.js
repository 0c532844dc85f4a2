// What can be done to a campaign: start, pause, resume, cancel, retry what failed.

import { freshKey } from './api.js';
import { confirm, h, toast } from './dom.js';
import { t } from './language.js';
import { CONTROLS } from './operations.js';
import { isEnded } from './progress.js';
import { RUNS_CAMPAIGNS } from './roles.js';
import * as session from './session.js';
import { plural } from './words.js';

const audience = ({ mode, isSimulated }, { recipients, leftOut }) => {
  const isTest = mode === 'TEST';
  const to = isTest ? t('the account’s own Saved Messages, as {tests}', { tests: plural(recipients, 'test') }) : plural(recipients, 'channel');
  const left = leftOut.reduce((sum, { count }) => sum + count, 0);
  const others = left ? ` ${t('Left out of the batch: {channels}.', { channels: plural(left, 'channel') })}` : '';
  const pretends = isSimulated ? ` ${t('Nothing really goes out: this installation is simulated.')}` : '';
  return `${t('It writes to {whom}.', { whom: to })}${others}${pretends}`;
};

/** What is asked before a start. */
export const beforeStart = (campaign, found) => ({
  title: t('Start “{name}”?', { name: campaign.name }),
  sentence: audience(campaign, found),
  yes: t('Start'),
});

/** What became of a retry, in a sentence or two. */
export function retried({ retryFailedJobs: { retried, skipped, skippedBecause } }) {
  const queued = retried ? t('{jobs} queued anew.', { jobs: plural(retried, 'job') }) : t('No job was queued anew.');
  const [because] = skippedBecause;
  return because ? `${queued} ${t('{jobs} left: {why}', { jobs: plural(skipped, 'job'), why: `${because.sentence} ${because.remedy}` })}` : queued;
}

/**
 * The buttons, in their order. One that is not `possible` is disabled, or hidden where another takes its place. `question`
 * is what is asked first: of all but the pause, which is urgent and does no harm. What the start asks is known once it was
 * looked what it would find: `found`.
 */
const BUTTONS = [
  {
    name: 'start',
    words: [t('Start'), t('Starting…'), t('Started.')],
    possible: ({ status }) => status === 'QUEUED',
    isHiddenElse: true,
    question: beforeStart,
  },
  {
    name: 'pause',
    words: [t('Pause'), t('Pausing…'), t('Paused. No further message goes out.')],
    possible: ({ status }) => status === 'RUNNING',
    isHiddenElse: true,
  },
  {
    name: 'resume',
    words: [t('Resume'), t('Resuming…'), t('It goes on.')],
    possible: ({ status }) => status === 'PAUSED',
    isHiddenElse: true,
    question: ({ name, counters }) => ({
      title: t('Resume “{name}”?', { name }),
      sentence: t('It goes on where it stopped, with {messages} to go.', { messages: plural(counters.queued + counters.sending, 'message') }),
      yes: t('Resume'),
    }),
  },
  {
    name: 'retry',
    words: [t('Retry failed'), t('Queueing…'), retried],
    possible: ({ status, counters, jobsRemovedAt }) => counters.failed > 0 && status !== 'CANCELLED' && !jobsRemovedAt,
    hint: ({ jobsRemovedAt }) => jobsRemovedAt && t('Its messages are kept no longer.'),
    question: ({ name, counters }) => ({
      title: t('Retry {jobs} of “{name}”?', { jobs: plural(counters.failed, 'failed job'), name }),
      sentence: t('They are queued anew and sent again. Those that were sent stay as they are.'),
      yes: t('Retry'),
    }),
  },
  {
    name: 'cancel',
    words: [t('Cancel'), t('Cancelling…'), t('Cancelled.')],
    possible: ({ status }) => !isEnded(status),
    question: ({ name, counters }) => ({
      title: t('Cancel “{name}” for good?', { name }),
      sentence: t('{messages} will never be sent. A cancelled campaign can’t be resumed.', { messages: plural(counters.queued, 'message') }),
      yes: t('Cancel the campaign'),
      isGrave: true,
    }),
  },
];

/**
 * The buttons for a campaign; none for those who only read. `changed` is called after each attempt, `check` before a start: it
 * gives what the start would find.
 */
export function controls(changed, check) {
  const node = h('div', { class: 'controls', role: 'group', 'aria-label': t('What can be done') });
  if (!RUNS_CAMPAIGNS.includes(session.user().role)) return { node, update: () => {} };

  let campaign;
  let busy = null;
  const key = freshKey(); // a campaign is started once
  const buttons = BUTTONS.map((control) => {
    const kind = { start: 'primary', resume: 'primary', cancel: 'danger' }[control.name];
    const button = h('button', { class: kind, onclick: () => press(control) });
    return { control, button };
  });
  node.append(...buttons.map(({ button }) => button));

  function draw() {
    for (const { control, button } of buttons) {
      const isPossible = control.possible(campaign);
      button.hidden = Boolean(control.isHiddenElse) && !isPossible && busy !== control;
      button.disabled = busy !== null || !isPossible;
      button.textContent = control.words[busy === control ? 1 : 0];
      button.title = control.hint?.(campaign) || '';
    }
  }

  async function press(control) {
    const { words, question } = control;
    try {
      const found = control.name === 'start' ? await check() : null;
      if (found && !found.isReady) return toast(t('It can’t be started: {problem}.', { problem: found.problems[0] }), 'error');
      if (question && !(await confirm(question(campaign, found)))) return;
      busy = control;
      draw();
      const answer = await session.run(CONTROLS[control.name], { id: campaign.id, ...(control.name === 'start' && { key }) });
      toast(typeof words[2] === 'string' ? words[2] : words[2](answer));
    } catch (error) {
      toast(error.message, 'error');
    }
    await changed();
    busy = null;
    draw();
    // The button that was pressed may be gone; whoever uses the keyboard goes on from its successor.
    if (document.activeElement === document.body) node.querySelector('button:enabled:not([hidden])')?.focus();
  }

  const update = (next) => {
    campaign = next;
    draw();
  };
  return { node, update };
}
