// The search: every page is readable without it.

const field = document.getElementById('search');
const found = document.getElementById('found');
const page = document.getElementById('page');
/** As many results are shown. */
const MOST = 20;
/** So many letters around the first hit are shown. */
const AROUND = 90;

let sections;

/** What lies under each heading of all pages, fetched when somebody searches for the first time. */
async function all() {
  if (!sections) {
    const answer = await fetch('/manual/search.json');
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    sections = (await answer.json()).map((section) => ({
      ...section,
      low: { title: section.title.toLowerCase(), heading: section.heading.toLowerCase(), text: section.text.toLowerCase() },
    }));
  }
  return sections;
}

/** How well a section answers: all words must be in it, and a heading says more than the text below it. */
function weight({ low }, words) {
  let sum = 0;
  for (const word of words) {
    if (low.heading.includes(word)) sum += 10;
    else if (low.text.includes(word)) sum += 2;
    else if (low.title.includes(word)) sum += 1;
    else return 0;
  }
  return sum;
}

function element(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** The text around the first word that is in it. */
function excerpt({ text, low }, words) {
  const at = Math.min(...words.map((word) => low.text.indexOf(word)).filter((place) => place >= 0));
  if (!Number.isFinite(at)) return text.slice(0, 2 * AROUND);
  const from = Math.max(0, at - AROUND);
  return `${from > 0 ? '… ' : ''}${text.slice(from, at + AROUND)} …`;
}

function result(section, words) {
  const address = `/manual${section.page === 'index' ? '' : `/${section.page}`}${section.anchor && `#${section.anchor}`}`;
  const item = document.createElement('li');
  const name = section.anchor ? `${section.title}: ${section.heading}` : section.title;
  item.append(element('a', name, { href: address }), element('p', excerpt(section, words), { class: 'quiet small' }));
  return item;
}

async function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  page.hidden = words.length > 0;
  found.hidden = words.length === 0;
  if (words.length === 0) return found.replaceChildren();
  const asked = field.value;
  try {
    const hits = (await all()).map((section) => ({ section, sum: weight(section, words) })).filter(({ sum }) => sum > 0);
    if (field.value !== asked) return undefined; // somebody types faster than the index comes
    hits.sort((one, other) => other.sum - one.sum);
    const list = document.createElement('ol');
    list.append(...hits.slice(0, MOST).map(({ section }) => result(section, words)));
    const count = hits.length > MOST ? `The best ${MOST} of ${hits.length} places` : `${hits.length} places`;
    found.replaceChildren(element('h1', hits.length ? count : 'Nothing has all of these words'), list);
  } catch {
    found.replaceChildren(element('p', 'The search can’t be loaded. Is the server there?', { role: 'alert' }));
  }
  return undefined;
}

field.closest('search').hidden = false;
field.addEventListener('input', search);
// A link to a place on this page leads there although the results were shown.
found.addEventListener('click', ({ target }) => {
  if (!target.closest('a')) return;
  field.value = '';
  search();
});
addEventListener('keydown', (event) => {
  if (event.key === '/' && document.activeElement !== field && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    field.focus();
  } else if (event.key === 'Escape' && document.activeElement === field) {
    field.value = '';
    search();
  }
});
// On a phone the list of pages would stand before each page.
if (matchMedia('(max-width: 800px)').matches) document.querySelector('.pages').open = false;
if (field.value) search(); // the browser has kept what was typed
