// The language of the page: English stands in the code, others in a dictionary file each.

const KEY = 'herald.language';

/** What can be chosen, by BCP 47 tag, as its speakers call it. */
export const LANGUAGES = { en: 'English', ru: 'Русский' };

/** What was chosen here; otherwise the first of the browser's languages that is known. */
export const language = chosen() ?? navigator.languages.map((tag) => tag.split('-')[0]).find(isKnown) ?? 'en';

const { WORDS: dictionary, NAMES: names } = language === 'ru' ? await import('./ru.js') : { WORDS: {}, NAMES: {} };
/** The words of pages that are fetched when somebody goes there. */
const BOOKS = {
  catalog: () => import('./ru-catalog.js'),
  making: () => import('./ru-making.js'),
  reports: () => import('./ru-reports.js'),
  sequences: () => import('./ru-sequences.js'),
  settings: () => import('./ru-settings.js'),
  things: () => import('./ru-things.js'),
};
const rules = new Intl.PluralRules(language);

document.documentElement.lang = language;

/** The sentence in the reader's language, with `{name}` filled in from the values. */
export function t(english, values = {}) {
  const sentence = dictionary[english] ?? english;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** Learns the words of these books; a page's are known before its files are read. */
export async function learn(books) {
  if (language === 'en') return;
  for (const { WORDS } of await Promise.all(books.map((book) => BOOKS[book]()))) Object.assign(dictionary, WORDS);
}

/** What a constant of the API is called; undefined if the dictionary does not say. */
export const named = (constant) => names[constant];

/** The form of a word for a number: the English noun in the singular; other languages list `one`, `few`, `many` in that order. */
export function form(n, noun) {
  const forms = dictionary[`#${noun}`];
  if (!forms) return n === 1 ? noun : `${noun}s`;
  return forms[{ one: 0, few: 1, many: 2, other: 1 }[rules.select(n)]];
}

/** Chooses a language; the page begins anew in it, where it stood. */
export function choose(tag) {
  try {
    localStorage.setItem(KEY, tag);
  } catch {
    return; // a browser that keeps nothing speaks its own language
  }
  location.reload();
}

function chosen() {
  try {
    const tag = localStorage.getItem(KEY);
    return isKnown(tag) ? tag : null;
  } catch {
    return null;
  }
}

function isKnown(tag) {
  return Object.hasOwn(LANGUAGES, tag ?? '');
}
