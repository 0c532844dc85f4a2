// The stop of everything: the red button, and the bar that says that nothing is sent.

import { h, say, toast } from './dom.js';
import { arrive } from './focus.js';
import { live } from './live.js';
import { RESUME_ALL, SERVER_UPDATED, STOP_ALL } from './operations.js';
import * as session from './session.js';
import { time } from './words.js';
import { t } from './language.js';

const element = (id) => document.getElementById(id);
const mayStop = () => session.user()?.role === 'ADMIN';

/** Shows whether everything is stopped, from now until the returned function is called. */
export function followStop() {
  show(null);
  const next = ({ serverUpdated }) => show(serverUpdated.stop);
  const leave = live.subscribe(SERVER_UPDATED, {}, { next });
  return () => {
    leave();
    for (const id of ['stopped', 'stop-all']) element(id).hidden = true;
  };
}

function show(stop) {
  element('stopped').hidden = !stop;
  element('stop-all').hidden = !mayStop() || Boolean(stop);
  element('resume-all').hidden = !mayStop();
  if (!stop) return;
  const by = stop.by ? t(' by {name}', { name: stop.by.username }) : '';
  say(element('stopped-why'), t('Nothing is sent since {time}{by}: {reason}', { time: time(stop.at), by, reason: stop.reason }));
}

/** Asks why; null if it is not to be done after all. */
function askWhy() {
  const reason = h('input', { id: 'stop-reason', required: true, maxlength: '200', autofocus: true, autocomplete: 'off' });
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'question', onclose: () => dialog.remove() },
    h('h2', { id: 'question' }, t('Stop everything?')),
    h('p', {}, t('No message, letter, email, text message, call or webhook starts any more, in no process, until it is resumed.')),
    h(
      'form',
      { method: 'dialog' },
      h('label', { for: 'stop-reason' }, t('Why (everybody sees it)')),
      reason,
      // Enter in the text means the first button that submits: this one must not.
      h('button', { type: 'button', onclick: () => dialog.close('') }, t('Back')),
      h('button', { value: 'yes', class: 'danger' }, t('Stop everything')),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes' ? reason.value : null));
  });
}

async function press(button, operation, variables, done) {
  button.disabled = true;
  try {
    const answer = await session.run(operation, variables);
    show(answer.stopAll?.stop);
    toast(done);
  } catch (error) {
    toast(error.message, 'error');
  }
  button.disabled = false;
  if (button.closest('[hidden]')) arrive(); // the focus was on what is gone
}

element('stop-all').addEventListener('click', async ({ currentTarget }) => {
  const reason = await askWhy();
  if (reason !== null) await press(currentTarget, STOP_ALL, { reason }, t('Everything is stopped.'));
});
element('resume-all').addEventListener('click', ({ currentTarget }) =>
  press(currentTarget, RESUME_ALL, {}, t('Everything goes on; what was paused before stays paused.')),
);
