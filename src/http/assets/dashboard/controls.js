// What can be done to a campaign: start, pause, resume, cancel, retry what failed.

import { confirm, h, toast } from './dom.js';
import { CONTROLS } from './operations.js';
import { isEnded } from './progress.js';
import * as session from './session.js';
import { plural } from './words.js';

/** Who may run campaigns. */
const RUNS_CAMPAIGNS = ['ADMIN', 'OPERATOR'];

const audience = ({ mode, totalJobs, isSimulated }) => {
  const to = mode === 'TEST' ? 'the account’s own Saved Messages, as a test' : plural(totalJobs, 'channel');
  return `It writes to ${to}${isSimulated ? '. Nothing really goes out: this installation is simulated' : ''}.`;
};

/**
 * The buttons, in their order. One that is not `possible` is disabled, or hidden where another takes its place. `question`
 * is what is asked first: of all but the pause, which is urgent and does no harm.
 */
const BUTTONS = [
  {
    name: 'start',
    words: ['Start', 'Starting…', 'Started.'],
    possible: ({ status }) => status === 'QUEUED',
    isHiddenElse: true,
    question: (campaign) => ({ title: `Start “${campaign.name}”?`, sentence: audience(campaign), yes: 'Start' }),
  },
  {
    name: 'pause',
    words: ['Pause', 'Pausing…', 'Paused. No further message goes out.'],
    possible: ({ status }) => status === 'RUNNING',
    isHiddenElse: true,
  },
  {
    name: 'resume',
    words: ['Resume', 'Resuming…', 'It goes on.'],
    possible: ({ status }) => status === 'PAUSED',
    isHiddenElse: true,
    question: ({ name, counters }) => ({
      title: `Resume “${name}”?`,
      sentence: `It goes on where it stopped, with ${plural(counters.queued + counters.sending, 'message')} to go.`,
      yes: 'Resume',
    }),
  },
  {
    name: 'retry',
    words: ['Retry failed', 'Queueing…', 'The failed jobs are queued anew.'],
    possible: ({ status, counters }) => counters.failed > 0 && status !== 'CANCELLED',
    question: ({ name, counters }) => ({
      title: `Retry ${plural(counters.failed, 'failed job')} of “${name}”?`,
      sentence: 'They are queued anew and sent again. Those that were sent stay as they are.',
      yes: 'Retry',
    }),
  },
  {
    name: 'cancel',
    words: ['Cancel', 'Cancelling…', 'Cancelled.'],
    possible: ({ status }) => !isEnded(status),
    question: ({ name, counters }) => ({
      title: `Cancel “${name}” for good?`,
      sentence: `${plural(counters.queued, 'message')} will never be sent. A cancelled campaign can’t be resumed.`,
      yes: 'Cancel the campaign',
      isGrave: true,
    }),
  },
];

/** The buttons for a campaign; none for those who only read. `changed` is called after each attempt. */
export function controls(changed) {
  const node = h('div', { class: 'controls', role: 'group', 'aria-label': 'What can be done' });
  if (!RUNS_CAMPAIGNS.includes(session.user().role)) return { node, update: () => {} };

  let campaign;
  let busy = null;
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
    }
  }

  async function press(control) {
    const { words, question } = control;
    if (question && !(await confirm(question(campaign)))) return;
    busy = control;
    draw();
    try {
      await session.run(CONTROLS[control.name], { id: campaign.id });
      toast(words[2]);
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
