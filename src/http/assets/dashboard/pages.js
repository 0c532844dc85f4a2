// Lists that come in pages, and the states by which they are filtered.

import { h, say } from './dom.js';
import { count, name } from './words.js';
import { t } from './language.js';

/** How many rows a page has. */
export const SIZE = 20;

/** The arguments of a connection for a place in it: `{}`, `{ after }` or `{ before }`. */
export const range = (place) => (place.before ? { last: SIZE, before: place.before } : { first: SIZE, after: place.after });

/** Two buttons that call `go` with the place of the next or the previous page. */
export function pager(go) {
  let info = {};
  const previous = h('button', { onclick: () => go({ before: info.startCursor }) }, t('← Previous'));
  const next = h('button', { onclick: () => go({ after: info.endCursor }) }, t('Next →'));
  const node = h('nav', { class: 'pager', 'aria-label': t('Pages of the list') }, previous, next);
  const update = (pageInfo) => {
    info = pageInfo;
    previous.disabled = !info.hasPreviousPage;
    next.disabled = !info.hasNextPage;
    node.hidden = previous.disabled && next.disabled;
  };
  update(info);
  return { node, update };
}

/** One button a state, the first for all; `go` is called with the chosen one. `mark` shows another as chosen. */
export function chips(label, states, chosen, go) {
  const buttons = states.map((state) => {
    const number = h('span', { class: 'number' });
    const button = h('button', { type: 'button', 'data-status': state, onclick: () => choose(state) }, name(state), number);
    return { state, number, button };
  });
  const node = h('div', { class: 'chips', role: 'group', 'aria-label': label }, buttons.map(({ button }) => button));
  const mark = (chosen) => buttons.forEach(({ state, button }) => button.setAttribute('aria-pressed', state === chosen));
  const choose = (state) => {
    mark(state);
    go(state);
  };
  mark(chosen);
  const update = (counts) => buttons.forEach(({ state, number }) => say(number, count(counts[state])));
  return { node, update, mark };
}
