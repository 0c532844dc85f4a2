// Fields with their labels, hints and mistakes.

import { fill, h, say } from './dom.js';
import { t } from './language.js';

/** How long somebody who types is left alone, in milliseconds. */
export const TYPING = 300;

let ids = 0;
/** An id that no other element of the page has. */
const fresh = (prefix) => `${prefix}-${++ids}`;

/**
 * A labelled field. `control` is an input, select or textarea. `complain` shows a sentence below it and marks it as wrong;
 * with an empty one all is well again.
 */
export function field(label, control, hint = '') {
  control.id ||= fresh('field');
  const mistake = h('p', { class: 'mistake', id: `${control.id}-mistake` });
  const help = hint && h('p', { class: 'hint', id: `${control.id}-hint` }, hint);
  control.setAttribute('aria-describedby', [help && `${control.id}-hint`, mistake.id].filter(Boolean).join(' '));
  const node = h('div', { class: 'field' }, h('label', { for: control.id }, label), control, help, mistake);
  const complain = (sentence = '') => {
    say(mistake, sentence);
    if (sentence) control.setAttribute('aria-invalid', 'true');
    else control.removeAttribute('aria-invalid');
  };
  control.addEventListener('input', () => complain());
  return { node, control, complain };
}

/**
 * A choice of one among few: `options` are `[value, label, hint, body]`, where the body is shown below the one that is chosen.
 * `changed` is called with its value.
 */
export function radios(legend, options, chosen, changed) {
  const name = fresh('choice');
  const rows = options.map(([value, label, hint, body]) => {
    const input = h('input', { type: 'radio', name, value, checked: value === chosen, onchange: () => pick(value) });
    const text = h('span', {}, h('strong', {}, label), hint && h('span', { class: 'quiet' }, hint));
    const inside = body && h('div', { class: 'inside' }, body);
    return { value, inside, node: h('div', { class: 'option' }, h('label', {}, input, text), inside) };
  });
  const draw = (value) => rows.forEach((row) => row.inside && (row.inside.hidden = row.value !== value));
  const pick = (value) => {
    draw(value);
    changed(value);
  };
  draw(chosen);
  return h('fieldset', { class: 'options' }, h('legend', {}, legend), rows.map(({ node }) => node));
}

/**
 * A choice among many that have names: a list, and above it a search where the list does not hold all of them. `read(name)` gives
 * `{ totalCount, options }`, `one(id)` the option of one, or null; `taken` is called with the value of the chosen one, or with none.
 */
export function picker({ label, prompt, chosen, read, one, taken }) {
  const select = h('select');
  const search = h('input', { type: 'search', maxlength: 200, autocomplete: 'off' });
  const [choice, searched] = [field(label, select), field(t('Search by name'), search)];
  const known = new Map();
  searched.node.hidden = true;
  let value = chosen;

  async function load(name = null) {
    const { totalCount, options } = await read(name);
    searched.node.hidden &&= totalCount <= options.length;
    // What is chosen stays to be seen, whatever is searched for.
    options.forEach(([id, words]) => known.set(id, words));
    if (value && !known.has(value)) await recall();
    const isGone = value && !options.some(([id]) => id === value);
    offer(select, [['', prompt], ...(isGone ? [[value, known.get(value)]] : []), ...options], value);
  }

  /** What was chosen before, and is not among the first. */
  async function recall() {
    const found = await one(value);
    if (found) known.set(...found);
    else taken((value = '')); // it was deleted meanwhile
  }

  const find = rested(TYPING, () => load(search.value.trim() || null).catch((error) => searched.complain(error.message)));
  search.addEventListener('input', find);
  select.addEventListener('change', () => {
    value = select.value;
    taken(value);
  });
  const node = h('div', { class: 'stack' }, searched.node, choice.node);
  return { node, load, complain: choice.complain, control: select, leave: find.stop };
}

/** Fills a `select` with `[value, label]`, keeping what is chosen where it is still there. */
export function offer(select, options, chosen = select.value) {
  fill(select, ...options.map(([value, label]) => h('option', { value, selected: value === chosen }, label)));
  if (options.some(([value]) => value === chosen)) select.value = chosen;
}

/**
 * Shows an error of the API where it belongs: `places` has a field for the last name of a path, such as `deliveryRate`. What
 * belongs to none of them is said in `elsewhere`. The first wrong field gets the focus, unless somebody is just typing: `isQuiet`.
 */
export function blame(error, places, elsewhere, isQuiet = false) {
  const rest = [];
  let first = null;
  for (const { path, message } of error.violations?.length ? error.violations : [{ path: [], message: error.message }]) {
    const place = path.map((name) => places[name]).find(Boolean);
    if (!place) rest.push(message);
    else {
      place.complain(message);
      first ??= place.control;
    }
  }
  say(elsewhere, [...new Set(rest)].join(' '));
  if (!isQuiet) (first ?? elsewhere).focus();
}

/** A line for what belongs to no field; it is read aloud when it is filled. */
export const trouble = () => h('p', { class: 'trouble', role: 'alert', tabindex: '-1' });

/** `work`, put off until it was not called for so many milliseconds; `stop` gives it up. */
export function rested(milliseconds, work) {
  let timer;
  const run = () => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
  };
  run.stop = () => clearTimeout(timer);
  return run;
}

/** Runs `work` while the button is out of use and says so. */
export async function busy(button, doing, work) {
  const label = button.textContent;
  button.disabled = true;
  say(button, doing ?? t('Working…'));
  try {
    return await work();
  } finally {
    button.disabled = false;
    say(button, label);
  }
}

/** The buttons below a screen: back, and on. */
export function buttons(back, next, label) {
  const onward = h('button', { class: 'primary', type: 'submit' }, label);
  const backward = back && h('button', { type: 'button', onclick: back }, t('Back'));
  return { node: h('div', { class: 'onward' }, backward, onward), onward };
}
