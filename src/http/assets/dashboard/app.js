// The page: who is signed in, which view is shown, whether the connection lives.

import { isOriginUnknown } from './api.js';
import { h, notice, style } from './dom.js';
import { arrive } from './focus.js';
import { choose, language, LANGUAGES, learn, t } from './language.js';
import { live } from './live.js';
import { VIEWER } from './operations.js';
import * as session from './session.js';
import { followStop } from './stop.js';
import { signIn } from './sign-in.js';
import { name } from './words.js';

const element = (id) => document.getElementById(id);
const main = element('main');

const ADMIN = ['ADMIN'];
const EVERYBODY = ['ADMIN', 'OPERATOR', 'AUDITOR'];

/**
 * The pages by the first word of the address: who may see them, and what is fetched when somebody goes there: words, styles, and
 * the view, which fills `main` and returns what stops it. `thing` is the view of one thing, `#/campaigns/ID`.
 */
const PAGES = {
  '': { roles: EVERYBODY, view: async () => (await import('./overview.js')).overview },
  campaigns: {
    roles: EVERYBODY,
    books: ['making'],
    styles: ['/dashboard/campaign.css'],
    view: async () => (await import('./campaigns.js')).campaigns,
    thing: async () => (await import('./campaign.js')).campaign,
  },
  new: {
    roles: EVERYBODY,
    books: ['making'],
    styles: ['/dashboard/campaign.css', '/dashboard/forms.css'],
    view: async () => (await import('./new.js')).newCampaign,
    thing: async () => (await import('./new.js')).newCampaign,
  },
  catalog: {
    roles: EVERYBODY,
    books: ['making', 'catalog'],
    styles: ['/dashboard/forms.css', '/dashboard/made.css'],
    view: async () => (await import('./catalog.js')).catalog,
  },
  leads: {
    roles: EVERYBODY,
    books: ['things'],
    styles: ['/dashboard/things.css', '/dashboard/campaign.css', '/dashboard/forms.css'],
    view: async () => (await import('./leads.js')).leads,
    thing: async () => (await import('./lead.js')).lead,
  },
  sequences: {
    roles: EVERYBODY,
    books: ['sequences'],
    styles: ['/dashboard/things.css', '/dashboard/campaign.css', '/dashboard/forms.css', '/dashboard/flow.css'],
    view: async () => (await import('./sequences.js')).sequences,
    thing: async () => (await import('./sequence.js')).sequence,
  },
  tests: {
    roles: EVERYBODY,
    books: ['sequences'],
    styles: ['/dashboard/things.css', '/dashboard/campaign.css', '/dashboard/forms.css', '/dashboard/made.css', '/dashboard/charts.css'],
    view: async () => (await import('./tests.js')).tests,
  },
  reports: {
    roles: EVERYBODY,
    books: ['reports'],
    styles: ['/dashboard/forms.css', '/dashboard/charts.css'],
    view: async () => (await import('./reports.js')).reports,
  },
  accounts: {
    roles: ADMIN,
    books: ['things'],
    styles: ['/dashboard/things.css', '/dashboard/forms.css', '/dashboard/made.css'],
    view: async () => (await import('./accounts.js')).accounts,
  },
  integrations: {
    roles: ['ADMIN', 'OPERATOR'],
    books: ['things'],
    styles: ['/dashboard/things.css', '/dashboard/campaign.css', '/dashboard/forms.css', '/dashboard/made.css'],
    view: async () => (await import('./integrations.js')).integrations,
  },
  settings: {
    roles: EVERYBODY,
    books: ['settings'],
    styles: ['/dashboard/forms.css', '/dashboard/made.css'],
    view: async () => (await import('./settings.js')).settings,
  },
  audit: {
    roles: ['ADMIN', 'AUDITOR'],
    books: ['things'],
    styles: ['/dashboard/campaign.css'],
    view: async () => (await import('./audit.js')).audit,
  },
};

const may = (page) => PAGES[page].roles.includes(session.user().role);

/** What the address says, such as `#/campaigns/ID` or `#/campaigns?status=RUNNING`. */
function place() {
  const [path, query] = location.hash.slice(1).split('?');
  const [page = '', id, ...rest] = path.split('/').slice(1);
  return { page, id: id || undefined, rest, query: new URLSearchParams(query) };
}

/** Whether there is such a page. */
const isKnown = ({ page, id, rest }) => Object.hasOwn(PAGES, page) && !rest.length && (!id || Boolean(PAGES[page].thing));

/** How the view of a place is fetched. */
function viewOf(place) {
  const { page, id } = place;
  if (!isKnown(place)) return nowhere(t('There is no such page'), t('The address is wrong, or the page has moved.'));
  const who = name(session.user().role);
  const why = t('You are signed in as {role}. An admin can give you another role.', { role: who });
  if (!may(page)) return nowhere(t('This page is not for your role'), why);
  const { books = [], styles = [], view, thing } = PAGES[page];
  return async () => {
    await Promise.all([learn(books), ...styles.map(style)]);
    return id ? thing() : view();
  };
}

/** A page that says why there is none, and leads back. */
const nowhere = (title, sentence) => async () => (root) => {
  document.title = `${title} · Herald`;
  const back = h('a', { class: 'button', href: '#/' }, t('To the overview'));
  root.append(h('div', { class: 'notice' }, h('h1', {}, title), h('p', {}, sentence), back));
  return () => {};
};

/** Ends when it is known whether the banner has a place: a view that came before it would move away under a finger. */
let introduced;
let leave = () => {};
let leaveStop = () => {};
let shown = 0;

/** Shows the view of the address. */
async function show() {
  leave();
  leave = () => {};
  const turn = ++shown;
  main.replaceChildren();
  const where = place();
  const current = isKnown(where) ? { new: 'campaigns' }[where.page] ?? where.page : null;
  for (const link of document.querySelectorAll('[data-page]')) {
    if (link.dataset.page === current) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.querySelector('[data-page][aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  const [view] = await Promise.all([viewOf(where)().catch(unread), introduced]);
  if (turn === shown) leave = view(main, where);
}

/** In place of a view whose file did not come: the server is away, or has another version than the page by now. */
const unread = () => (root) => {
  const again = h('button', { class: 'primary', onclick: () => location.reload() }, t('Load the page again'));
  root.append(notice('error', t('This did not work'), t('A part of this page could not be loaded.'), again));
  return () => {};
};

/** What is seen by those who are signed in, or the sign-in page. */
function enter(why = '') {
  const user = session.user();
  element('header').hidden = !user;
  if (!user) return withdraw(why);
  element('who').textContent = `${user.username} · ${name(user.role)}`;
  for (const link of document.querySelectorAll('[data-page]')) link.hidden = !may(link.dataset.page);
  live.open();
  leaveStop();
  leaveStop = followStop();
  introduced = introduce();
  show();
}

function withdraw(why) {
  live.close();
  element('simulated').hidden = true;
  leaveStop();
  leaveStop = () => {};
  leave();
  shown += 1; // a view that is just being fetched is not waited for
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
  TELEGRAM: t('messages to channels'),
  EMAIL: t('emails'),
  SMS: t('text messages'),
  CALL: t('calls'),
  WEBHOOK: t('webhooks'),
};

/** What only pretends, and what is real all the same. */
function pretence({ realChannels }) {
  const title = document.createElement('strong');
  const all = realChannels.length === 0;
  title.textContent = all ? t('Simulated.') : t('Partly simulated.');
  const real = realChannels.map((channel) => WAYS[channel]).join(', ');
  const unreal = Object.keys(WAYS).filter((channel) => !realChannels.includes(channel)).map((channel) => WAYS[channel]);
  const rest = all
    ? t('This installation only pretends to send: nothing goes out.')
    : t('Real: {real}. Only pretended: {unreal}.', { real, unreal: unreal.join(', ') });
  return [title, ' ', rest];
}

/** A WebSocket that is refused for good looks like a lost one: whoever runs Herald has to do something. */
function warn() {
  const isRefused = live.state === 'reconnecting' && isOriginUnknown();
  element('unknown-origin').textContent = t(
    'Nothing moves by itself here: this Herald does not know that it is reached at {origin}. Whoever runs it sets HERALD_PUBLIC_URL={origin} and starts it again.',
    { origin: location.origin },
  );
  element('unknown-origin').hidden = !isRefused;
}

const STATES = { off: '', connecting: t('Connecting'), live: t('Live'), reconnecting: t('Reconnecting…') };

live.addEventListener('state', () => {
  element('connection').dataset.state = live.state;
  element('connection').textContent = STATES[live.state];
  warn();
});
live.addEventListener('return', introduce);
session.events.addEventListener('change', ({ detail }) => {
  enter(detail);
  if (session.user()) arrive();
});
addEventListener('hashchange', () => {
  if (!session.user()) return;
  show();
  arrive();
  scrollTo(0, 0);
});
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault(); // the address is the view's
  main.focus();
});
element('sign-out').addEventListener('click', () => session.signOut());

for (const node of document.querySelectorAll('[data-t]')) node.textContent = t(node.textContent.trim());
for (const node of document.querySelectorAll('[data-label]')) node.setAttribute('aria-label', t(node.dataset.label));
element('language').append(
  ...Object.entries(LANGUAGES).map(([tag, label]) => h('option', { value: tag, lang: tag, selected: tag === language }, label)),
);
element('language').addEventListener('change', ({ currentTarget }) => choose(currentTarget.value));
enter();
session.recognise();
