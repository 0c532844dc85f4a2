// The page: who is signed in, which view is shown, whether the connection lives.

import { isOriginUnknown } from './api.js';
import { audit } from './audit.js';
import { campaign } from './campaign.js';
import { campaigns } from './campaigns.js';
import { live } from './live.js';
import { VIEWER } from './operations.js';
import * as session from './session.js';
import { followStop } from './stop.js';
import { signIn } from './sign-in.js';
import { name } from './words.js';

const element = (id) => document.getElementById(id);
const main = element('main');

/** Who may see the audit log. */
const READS_AUDIT = ['ADMIN', 'AUDITOR'];

/** The view for an address such as `#/campaigns/ID` or `#/campaigns?status=RUNNING`. */
function route() {
  const [path, query] = location.hash.slice(1).split('?');
  const [page, id] = path.split('/').slice(1);
  const place = { page, id, query: new URLSearchParams(query) };
  if (page === 'audit' && READS_AUDIT.includes(session.user().role)) return { ...place, view: audit };
  if (page === 'campaigns' && id) return { ...place, view: campaign };
  return { ...place, page: 'campaigns', view: campaigns };
}

let leave = () => {};
let leaveStop = () => {};

/** Shows the view of the address. Each view fills `main` and returns what stops it. */
function show() {
  leave();
  main.replaceChildren();
  const place = route();
  for (const link of document.querySelectorAll('[data-page]')) {
    if (link.dataset.page === place.page) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  leave = place.view(main, place);
}

/** What is seen by those who are signed in, or the sign-in page. */
function enter(why = '') {
  const user = session.user();
  element('header').hidden = !user;
  if (!user) return withdraw(why);
  element('who').textContent = `${user.username} · ${name(user.role)}`;
  element('audit-link').hidden = !READS_AUDIT.includes(user.role);
  live.open();
  leaveStop();
  leaveStop = followStop();
  introduce();
  show();
}

function withdraw(why) {
  live.close();
  element('simulated').hidden = true;
  leaveStop();
  leaveStop = () => {};
  leave();
  main.replaceChildren();
  leave = signIn(main, why);
}

/** The banner is shown as soon as the server has said that it is needed. */
async function introduce() {
  try {
    const { serverInfo } = await session.run(VIEWER);
    element('simulated').replaceChildren(...pretence(serverInfo));
    element('simulated').hidden = !session.user() || serverInfo.realChannels.length === Object.keys(WAYS).length;
  } catch {
    // The view says what is wrong, and this is asked again when the connection is back.
  }
}

/** What goes out, by the way on which it goes. */
const WAYS = {
  TELEGRAM: 'messages to channels',
  EMAIL: 'emails',
  SMS: 'text messages',
  CALL: 'calls',
  WEBHOOK: 'webhooks',
};

/** What only pretends, and what is real all the same. */
function pretence({ realChannels }) {
  const title = document.createElement('strong');
  const all = realChannels.length === 0;
  title.textContent = all ? 'Simulated.' : 'Partly simulated.';
  const real = realChannels.map((channel) => WAYS[channel]).join(', ');
  const unreal = Object.keys(WAYS).filter((channel) => !realChannels.includes(channel)).map((channel) => WAYS[channel]);
  const rest = all
    ? ' This installation only pretends to send: nothing goes out.'
    : ` Real: ${real}. Only pretended: ${unreal.join(', ')}.`;
  return [title, rest];
}

/** A WebSocket that is refused for good looks like a lost one: whoever runs Herald has to do something. */
function warn() {
  const isRefused = live.state === 'reconnecting' && isOriginUnknown();
  element('unknown-origin').textContent =
    `Nothing moves by itself here: this Herald does not know that it is reached at ${location.origin}. ` +
    `Whoever runs it sets HERALD_PUBLIC_URL=${location.origin} and starts it again.`;
  element('unknown-origin').hidden = !isRefused;
}

const STATES = { off: '', connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting…' };

live.addEventListener('state', () => {
  element('connection').dataset.state = live.state;
  element('connection').textContent = STATES[live.state];
  warn();
});
live.addEventListener('return', introduce);
session.events.addEventListener('change', ({ detail }) => enter(detail));
addEventListener('hashchange', () => {
  if (!session.user()) return;
  show();
  main.focus({ preventScroll: true });
  scrollTo(0, 0);
});
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the address is the view's
  main.focus();
});
element('sign-out').addEventListener('click', () => session.signOut());

enter();
session.recognise();
