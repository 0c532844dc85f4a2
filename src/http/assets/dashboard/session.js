// Who is signed in, in this tab.
//
// The tokens are kept in memory and in sessionStorage: they outlive a reload, and end with the tab. A cookie would go
// with requests that nobody asked for, and localStorage would outlive the browser. Only a script in this page could read
// them, and the page's Content-Security-Policy lets in none but our own.

import { ApiError, now, post } from './api.js';
import { t } from './language.js';

const KEY = 'herald.session';
/** The access token is renewed when it has less than this left, in milliseconds; the rest is so that two tabs differ. */
const MARGIN = 60_000 + Math.random() * 30_000;

const ENDED = t('Your session has ended. Sign in again.');

const TOKENS = 'accessToken refreshToken expiresAt user { id username role }';
const LOGIN = `mutation SignIn($input: LoginInput!) { login(input: $input) { ${TOKENS} } }`;
const REFRESH = `mutation Refresh($input: RefreshSessionInput!) { refreshSession(input: $input) { ${TOKENS} } }`;
const WHO = 'query Who { viewer { id username role } }';
const LOGOUT = 'mutation SignOut { logout { user { id } } }';

/**
 * Whoever is signed in by a cookie of single sign-on has a user only.
 * @typedef {{ accessToken?: string, refreshToken?: string, endsAt?: number, user: { username: string, role: string } }} Session
 */

/** @type {Session | null} */
let session = JSON.parse(sessionStorage.getItem(KEY));
let renewal = null;
let timer;

/** Tells `change`, with a sentence where somebody has to know why: someone has signed in, or a session has ended. */
export const events = new EventTarget();

/** The signed-in user, or null. */
export const user = () => session?.user ?? null;

export async function signIn(username, password) {
  const { login } = await post(LOGIN, { input: { username, password } });
  keep(login);
  tell();
}

/** Signs in whom a cookie of single sign-on names, if there is one. */
export async function recognise() {
  if (session) return;
  const answer = await post(WHO, {}).catch(() => null);
  if (!answer || session) return;
  session = { user: answer.viewer };
  tell();
}

/** Runs an operation for the signed-in user and returns its data. */
export async function run(document, variables = {}) {
  const used = await token();
  try {
    return await post(document, variables, used);
  } catch (error) {
    const next = error.code === 'UNAUTHENTICATED' && (await another(used));
    if (!next) throw error;
    return post(document, variables, next);
  }
}

/** Ends the session here at once, and on the server as soon as it can be reached. */
export async function signOut() {
  const { accessToken } = session;
  end();
  sessionStorage.clear(); // what was being written, too; a session that only ran out is carried on by the same user
  await post(LOGOUT, {}, accessToken).catch(() => {}); // it ends by itself in time
}

/** An access token that holds for a while; null if nobody is signed in. */
export async function token() {
  if (session && Date.now() > session.endsAt - MARGIN) await renew();
  return session?.accessToken ?? null;
}

/** Another access token than `refused`; if there can be none the session ends. */
export async function another(refused) {
  if (session && !session.refreshToken) end(ENDED);
  else if (session?.accessToken === refused) await renew();
  return session?.accessToken ?? null;
}

/** Ends the session in this tab. */
export function end(why = '') {
  session = null;
  sessionStorage.removeItem(KEY);
  clearTimeout(timer);
  tell(why);
}

// A refresh token is good for one use, so everybody waits for the same renewal.
function renew() {
  renewal ??= exchange().finally(() => (renewal = null));
  return renewal;
}

async function exchange() {
  const spent = session.refreshToken;
  try {
    const { refreshSession } = await post(REFRESH, { input: { refreshToken: spent } });
    if (session?.refreshToken !== spent) return; // signed out meanwhile
    const hasAnotherRole = refreshSession.user.role !== session.user.role;
    keep(refreshSession);
    if (hasAnotherRole) tell();
    tabs.postMessage({ spent, session });
  } catch (error) {
    const isOver = error instanceof ApiError && error.code === 'UNAUTHENTICATED';
    // Meanwhile another tab may have used it and told us the next.
    if (isOver && session?.refreshToken === spent) end(ENDED);
    if (!isOver || !session) throw error;
  }
}

// A duplicated tab has the same refresh token, and the server ends a session whose token comes twice: who renews it
// tells the others.
const tabs = new BroadcastChannel(KEY);
tabs.onmessage = ({ data }) => session?.refreshToken === data.spent && store(data.session);

function keep({ accessToken, refreshToken, expiresAt, user }) {
  // By the server's clock: this computer's may be wrong.
  const endsAt = Date.now() + Date.parse(expiresAt) - now();
  store({ accessToken, refreshToken, endsAt, user });
}

function store(next) {
  session = next;
  sessionStorage.setItem(KEY, JSON.stringify(session));
  plan();
}

// Renewed ahead of its end, so that an open socket need not be closed.
function plan() {
  clearTimeout(timer);
  const renewOrLater = () => renew().catch(() => session && (timer = setTimeout(renewOrLater, 10_000)));
  timer = setTimeout(renewOrLater, Math.max(0, session.endsAt - MARGIN - Date.now()));
}

function tell(why = '') {
  events.dispatchEvent(new CustomEvent('change', { detail: why }));
}

if (session) plan();
