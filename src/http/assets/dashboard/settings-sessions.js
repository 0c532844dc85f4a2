// The sessions of another user: where somebody is signed in, and the end of one of them.

import { attempt, confirm, fill, h, list, say, toast } from './dom.js';
import { trouble } from './forms.js';
import { t } from './language.js';
import { pager, range } from './pages.js';
import { run } from './session.js';
import { END_SESSION, SESSIONS } from './settings-operations.js';
import { time } from './words.js';

/** What opens: asked for when somebody looks, and again after each end. */
export function sessionsOf(user) {
  const body = h('div');
  const rows = h('ul', { class: 'lined' });
  const shown = list(rows, (session) => row(session, user, load));
  const pages = pager((to) => {
    place = to;
    attempt(body, load);
  });
  let place = {};

  async function load() {
    const { sessions } = (await run(SESSIONS, { filter: { userId: user.id }, ...range(place) })).admin;
    shown.show(sessions.nodes);
    pages.update(sessions.pageInfo);
    fill(body, sessions.nodes.length ? rows : h('p', { class: 'quiet' }, t('Not signed in anywhere.')), pages.node);
  }
  const node = h('details', {}, h('summary', {}, t('Where {name} is signed in', { name: user.username })), body);
  node.addEventListener('toggle', () => node.open && attempt(body, load));
  return node;
}

function row(session, user, changed) {
  const [title, facts, problem] = [h('strong'), h('span', { class: 'quiet small' }), trouble()];
  const button = h('button', { type: 'button', class: 'danger small', onclick: press }, t('End'));
  const node = h('li', {}, h('div', {}, title, facts), button, problem);

  async function press() {
    const question = { title: t('End this session?'), sentence: t('Whoever uses it has to sign in again. Other sessions and API tokens stay.'), yes: t('End the session'), isGrave: true };
    if (!(await confirm(question))) return;
    say(problem, '');
    try {
      await run(END_SESSION, { id: session.id });
      toast(t('The session of {name} has ended.', { name: user.username }));
      await changed();
    } catch (error) {
      say(problem, error.message);
      problem.focus();
    }
  }

  const update = ({ userAgent, ipAddress, beganAt, seenAt }) => {
    const where = userAgent || t('An unknown program');
    say(title, where);
    button.setAttribute('aria-label', t('End the session: {where}', { where }));
    say(facts, [ipAddress, t('signed in {time}', { time: time(beganAt) }), t('last used {time}', { time: time(seenAt) })].filter(Boolean).join(' · '));
  };
  update(session);
  return { node, update };
}
