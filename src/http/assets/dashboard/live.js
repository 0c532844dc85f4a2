// One WebSocket for all subscriptions of the page, in the protocol graphql-transport-ws. A connection that is lost is
// made anew, and every subscription that is not over begins again on it.

import { ApiError } from './api.js';
import * as session from './session.js';

const ENDPOINT = new URL('/graphql', location.href).href.replace(/^http/, 'ws');
/** The longest wait before another attempt to connect, in milliseconds. */
const LONGEST_WAIT = 15_000;
/** After so long without a word we ask whether the server is there; after twice that it is not. */
const SILENCE = 20_000;
/** The server has ended a stream that is not over: how long until it is asked for again. */
const AGAIN = 1_000;
/** Close codes that mean: this token is not, or no longer, good. */
const REFUSED = [4401, 4403];

/**
 * Tells `state` whenever `state` changes, and `return` when a lost connection is back: what no subscription repeats has to
 * be read again then.
 */
class Live extends EventTarget {
  /** 'off', 'connecting', 'live' or 'reconnecting'. */
  state = 'off';
  #socket = null;
  #token = null;
  #operations = new Map();
  #ids = 0;
  #attempts = 0;
  #heard = 0;
  #timer;
  #pulse;

  /**
   * Runs a subscription until it is over, or until the returned function is called. `next` gets the data of each event,
   * `error` an ApiError that ends it. A stream that the server completes begins again, unless `isOver` says otherwise.
   */
  subscribe(query, variables, { next, error = () => {}, isOver = () => false }) {
    const id = String(++this.#ids);
    this.#operations.set(id, { payload: { query, variables }, next, error, isOver, runs: false });
    this.#begin(id);
    return () => {
      if (this.#operations.delete(id)) this.#send({ type: 'complete', id });
    };
  }

  /** Connects, and keeps connected until `close`. */
  open() {
    if (this.state === 'off') this.#connect('connecting');
  }

  close() {
    this.#operations.clear();
    this.#attempts = 0;
    this.#detach(1000);
    this.#become('off');
  }

  /** Tries at once, if it waits for another attempt. */
  hurry() {
    if (this.state === 'reconnecting' && !this.#socket) this.#connect('reconnecting');
  }

  async #connect(state) {
    this.#detach();
    this.#become(state);
    try {
      this.#token = await session.token();
    } catch {
      return this.#lost();
    }
    if (this.state !== state || this.#socket) return; // closed, or hurried, while it waited
    const socket = new WebSocket(ENDPOINT, 'graphql-transport-ws');
    this.#socket = socket;
    this.#heard = Date.now();
    this.#pulse = setInterval(() => this.#listen(), SILENCE / 4);
    const payload = this.#token ? { Authorization: `Bearer ${this.#token}` } : {}; // else a cookie says who this is
    socket.onopen = () => this.#send({ type: 'connection_init', payload });
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lost(REFUSED.includes(code));
  }

  #receive(message) {
    this.#heard = Date.now();
    const operation = this.#operations.get(message.id);
    if (message.type === 'connection_ack') this.#return();
    else if (message.type === 'ping') this.#send({ type: 'pong' });
    else if (message.type === 'next' && message.payload.errors) this.#fail(message.id, message.payload.errors);
    else if (message.type === 'next') operation?.next(message.payload.data);
    else if (message.type === 'error') this.#fail(message.id, message.payload);
    else if (message.type === 'complete') this.#complete(message.id);
  }

  #return() {
    const wasLost = this.state === 'reconnecting';
    this.#attempts = 0;
    this.#become('live');
    for (const [id, operation] of this.#operations) {
      operation.runs = false;
      this.#begin(id);
    }
    if (wasLost) this.dispatchEvent(new Event('return'));
  }

  #begin(id) {
    const operation = this.#operations.get(id);
    if (!operation || operation.runs || this.state !== 'live') return;
    operation.runs = true;
    this.#send({ type: 'subscribe', id, payload: operation.payload });
  }

  #complete(id) {
    const operation = this.#operations.get(id);
    if (!operation) return;
    operation.runs = false;
    if (operation.isOver()) this.#operations.delete(id);
    else setTimeout(() => this.#begin(id), AGAIN);
  }

  #fail(id, [first]) {
    const operation = this.#operations.get(id);
    if (!operation) return;
    if (first.extensions?.code === 'UNAUTHENTICATED') return this.#lost(true);
    this.#operations.delete(id);
    operation.error(ApiError.of(first));
  }

  /** Waits a while, longer each time and not as long as others do, and connects again. */
  async #lost(isRefused = false) {
    this.#detach();
    this.#become('reconnecting');
    // Without another token the session ends, and that closes this.
    if (isRefused) await session.another(this.#token).catch(() => {});
    if (this.state !== 'reconnecting') return;
    // The first attempt after an expired token is made at once.
    const wait = isRefused && this.#attempts === 0 ? 0 : Math.min(LONGEST_WAIT, 500 * 2 ** this.#attempts);
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.#connect('reconnecting'), wait * (0.5 + Math.random() / 2));
  }

  #listen() {
    const silence = Date.now() - this.#heard;
    if (silence > 2 * SILENCE) this.#lost();
    else if (silence > SILENCE) this.#send({ type: 'ping' });
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #detach(code) {
    clearTimeout(this.#timer);
    clearInterval(this.#pulse);
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  #become(state) {
    this.state = state;
    this.dispatchEvent(new Event('state'));
  }
}

export const live = new Live();
addEventListener('online', () => live.hurry());
document.addEventListener('visibilitychange', () => document.hidden || live.hurry());

/** Calls `work` every so many milliseconds while the page is seen, and when it is seen again; returns what stops that. */
export function every(milliseconds, work) {
  const unlessHidden = () => document.hidden || work();
  const timer = setInterval(unlessHidden, milliseconds);
  document.addEventListener('visibilitychange', unlessHidden);
  return () => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', unlessHidden);
  };
}
