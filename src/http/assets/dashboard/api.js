// Operations by POST, and errors as sentences.

import { t } from './language.js';

const ENDPOINT = '/graphql';
/** How long an answer is awaited, in milliseconds. */
const PATIENCE = 20_000;

/** What went wrong, as a sentence for a person, with the API's code: UNREACHABLE if there was no answer of the API. */
export class ApiError extends Error {
  /** Each mistake of an input: a sentence, and the path to what it is about. */
  violations = [];

  constructor(message, code = 'UNREACHABLE') {
    super(message);
    this.code = code;
  }

  /** From an error of a GraphQL response. */
  static of({ message, extensions = {} }) {
    const error = new ApiError(sentence(message, extensions), extensions.code ?? 'INTERNAL_SERVER_ERROR');
    error.violations = (extensions.violations ?? []).map(({ path, message }) => ({ path, message: closed(message) }));
    return error;
  }
}

/** Runs an operation with this token, or for nobody. Any error in the answer is thrown. */
export async function post(query, variables, token = null) {
  // Whoever is signed in by a cookie needs the last one, which no page of another origin can send.
  const headers = { 'Content-Type': 'application/json', Accept: 'application/json', 'GraphQL-Require-Preflight': '1' };
  if (token) headers.Authorization = `Bearer ${token}`;
  const body = JSON.stringify({ query, variables });
  const response = await fetch(ENDPOINT, { method: 'POST', headers, body, signal: AbortSignal.timeout(PATIENCE) }).catch(
    () => {
      throw new ApiError(t('The server can’t be reached.'));
    },
  );
  unknownOrigin = response.headers.get('Herald-Origin') === 'unknown';
  const answer = await response.json().catch(() => {
    throw new ApiError(t('The server answered with status {status}.', { status: response.status }));
  });
  if (answer.errors?.length) throw ApiError.of(answer.errors[0]);
  if (!answer.data) throw new ApiError(t('The server answered with status {status}.', { status: response.status }));
  skew = Date.parse(response.headers.get('Date')) - Date.now() || 0;
  return answer.data;
}

let unknownOrigin = false;

/** Whether the server does not know the address of this page, so that it refuses its WebSockets. */
export const isOriginUnknown = () => unknownOrigin;

let skew = 0;

/** The server's time, in milliseconds since 1970, good to about a second. */
export const now = () => Date.now() + skew;

/** A random key: under it the server does a thing once, however often it is asked. Plain HTTP has no `crypto.randomUUID`. */
export const freshKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Whether nobody can say if it was done all the same. */
export const isUnanswered = ({ code }) => code === 'UNREACHABLE' || code === 'INTERNAL_SERVER_ERROR';

/** The sentence for an error: as the API says it, with what helps. */
function sentence(message, { code, retryAfterMs, requestId, violations }) {
  if (code === 'RATE_LIMITED' && retryAfterMs) {
    const minutes = Math.ceil(retryAfterMs / 60_000);
    return t('Too many attempts. Try again in {time}.', { time: `${minutes} ${t('min')}` });
  }
  if (code === 'INTERNAL_SERVER_ERROR') return t('Something went wrong in Herald. Its log knows it as request {id}.', { id: requestId });
  const all = violations?.length ? violations.map((violation) => violation.message).join('; ') : message;
  return closed(all);
}

/** What the API says, with a capital and a full stop. */
export function closed(text) {
  const capital = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(capital) ? capital : `${capital}.`;
}
