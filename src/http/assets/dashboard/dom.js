// Building pages. What the server says gets into them as text nodes and attributes only, never as markup; the page's
// policy (`require-trusted-types-for`) makes the browser refuse anything else.

import { t } from './language.js';

const SVG = 'http://www.w3.org/2000/svg';

/** An element. `on...` of the properties are listeners, true and false set and leave out, null is left out. */
export function h(tag, properties = {}, ...children) {
  return build(document.createElement(tag), properties, children);
}

/** The same for SVG. */
export function svg(tag, properties = {}, ...children) {
  return build(document.createElementNS(SVG, tag), properties, children);
}

function build(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/**
 * Keeps the children of `parent` as the items that are shown: `create(item)` gives a row `{ node, update(item) }`. An item
 * that is there already, by its id, is updated and stays where it is in the page, with focus and transitions.
 */
export function list(parent, create) {
  let rows = new Map();
  const show = (items) => {
    rows = new Map(items.map((item) => [item.id, rows.get(item.id) ?? create(item)]));
    items.forEach((item) => rows.get(item.id).update(item));
    fill(parent, ...[...rows.values()].map((row) => row.node));
  };
  return { show, row: (id) => rows.get(id) };
}

/** Makes these the children of `parent`. Those that are there already are not moved: focus and transitions survive. */
export function fill(parent, ...nodes) {
  for (const child of [...parent.childNodes]) if (!nodes.includes(child)) child.remove();
  nodes.forEach((node, n) => node === parent.childNodes[n] || parent.insertBefore(node, parent.childNodes[n] ?? null));
}

/** Sets a text if it is another: what reads the page aloud is not told of changes that are none. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Fills `root` by `load`. If that fails it says why there, and offers to try again. */
export async function attempt(root, load) {
  root.setAttribute('aria-busy', 'true');
  try {
    await load();
  } catch (error) {
    const again = h('button', { class: 'primary', onclick: () => attempt(root, load) }, t('Try again'));
    fill(root, notice('error', t('This did not work'), error.message, again));
  } finally {
    root.removeAttribute('aria-busy');
  }
}

const styles = new Map();

/** Fetches a file of styles, once. */
export function style(href) {
  const load = () =>
    new Promise((resolve, reject) => {
      const failed = () => {
        styles.delete(href); // who comes again tries again
        link.remove();
        reject(new Error(href));
      };
      const link = h('link', { rel: 'stylesheet', href, onload: resolve, onerror: failed });
      document.head.append(link);
    });
  if (!styles.has(href)) styles.set(href, load());
  return styles.get(href);
}

/** A panel with a title, a sentence and what can be done. One that stands for a whole page, 'missing' or an error, has its heading. */
export function notice(kind, title, sentence, ...actions) {
  const role = kind === 'error' ? 'alert' : null;
  const isPage = kind === 'missing' || (kind === 'error' && !document.querySelector('main h1'));
  return h('div', { class: `notice ${kind}`, role }, h(isPage ? 'h1' : 'h2', {}, title), h('p', {}, sentence), ...actions.filter(Boolean));
}

/** Says something for a few seconds at the edge of the page. */
export function toast(sentence, kind = 'info') {
  const node = h('p', { class: `toast ${kind}` }, sentence);
  document.getElementById('toasts').append(node);
  setTimeout(() => node.remove(), 6_000);
}

/** Asks, and gives whether the answer was `yes`. */
export function confirm({ title, sentence, yes, isGrave = false }) {
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'question', onclose: () => dialog.remove() },
    h('h2', { id: 'question' }, title),
    h('p', {}, sentence),
    h(
      'form',
      { method: 'dialog' },
      h('button', { value: '' }, t('Back')),
      h('button', { value: 'yes', class: isGrave ? 'danger' : 'primary', autofocus: !isGrave }, yes),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'));
  });
}
