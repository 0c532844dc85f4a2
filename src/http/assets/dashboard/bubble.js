// A message as a channel sees it: bold, links and the like are elements, made of what the API says of the text.

import { h } from './dom.js';
import { t } from './language.js';

/** The element for each kind of part. */
const TAGS = {
  BOLD: ['strong'],
  ITALIC: ['em'],
  UNDERLINE: ['u'],
  STRIKETHROUGH: ['s'],
  SPOILER: ['span', { class: 'spoiler' }],
  CODE: ['code'],
  PRE: ['code', { class: 'pre' }],
  BLOCKQUOTE: ['span', { class: 'quote' }],
  EXPANDABLE_BLOCKQUOTE: ['span', { class: 'quote' }],
  TEXT_LINK: ['span', { class: 'link' }],
  CUSTOM_EMOJI: ['span'],
  DATE_TIME: ['span', { class: 'link' }],
};

/** The message's parts, as nodes. */
export function message(text, entities) {
  return pieces(text, 0, text.length, entities.map((entity) => ({ ...entity, end: entity.offset + entity.length })));
}

/** The nodes of the text between two places; parts lie within one another, never across. */
function pieces(text, from, to, entities) {
  const nodes = [];
  let at = from;
  while (entities.length && at < to) {
    const [outer, ...rest] = entities;
    if (outer.offset >= to) break;
    nodes.push(text.slice(at, outer.offset));
    const inner = rest.filter(({ offset, end }) => offset >= outer.offset && end <= outer.end);
    const [tag, properties = {}] = TAGS[outer.type] ?? ['span'];
    nodes.push(h(tag, { ...properties, title: outer.url }, pieces(text, outer.offset, outer.end, inner)));
    entities = rest.filter(({ offset }) => offset >= outer.end);
    at = outer.end;
  }
  nodes.push(text.slice(at, to));
  return nodes.filter((node) => node !== '');
}

/** What stands for an attachment. */
export const attachment = ({ type, name }) =>
  h('span', { class: 'attached' }, { PHOTO: t('Picture'), VIDEO: t('Film'), DOCUMENT: t('File') }[type], name && `: ${name}`);
