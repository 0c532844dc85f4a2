// The text as one channel of the audience would get it, while it is written.

import { ApiError } from './api.js';
import { attachment, message } from './bubble.js';
import { fill, h, say } from './dom.js';
import { field, offer, rested } from './forms.js';
import { t } from './language.js';
import { PREVIEW } from './new-operations.js';
import { run } from './session.js';
import { count } from './words.js';

/** How long somebody who types is left alone, in milliseconds. */
const TYPING = 250;

/**
 * The section. `asked()` gives what is to be shown: `{ content | templateId, parseMode, media, params }`. `heard` is told each
 * answer of the API, or its error.
 */
export function preview(plan, asked, heard) {
  const channel = h('select', { onchange: () => look() });
  const bubble = h('div', { class: 'bubble', tabindex: '0', role: 'group', 'aria-label': t('The message') });
  const length = h('p', { class: 'quiet small' });
  const notes = h('ul', { class: 'notes' });
  const node = h(
    'section',
    { class: 'card stack preview', 'aria-labelledby': 'preview' },
    h('h2', { id: 'preview' }, t('As the channel sees it')),
    field(t('Channel'), channel).node,
    bubble,
    length,
    notes,
  );
  const names = plan.found.some.map(({ id, username, title }) => [id, title ? `${title} (@${username})` : `@${username}`]);
  offer(channel, names);
  let turn = 0;

  async function look() {
    const mine = ++turn;
    const { media, ...text } = asked();
    if (!text.templateId && !text.content && !media) return show(null);
    const variables = { ...text, mediaType: text.templateId ? null : (media?.type ?? null), channelId: channel.value };
    try {
      const { previewTemplate } = await run(PREVIEW, variables);
      if (mine !== turn) return;
      show(previewTemplate, media);
      heard(previewTemplate, null);
    } catch (error) {
      if (mine !== turn) return;
      if (!(error instanceof ApiError)) throw error;
      heard(null, error);
    }
  }

  function show(found, media) {
    if (!found) {
      fill(bubble, h('span', { class: 'quiet' }, t('Nothing is written yet.')));
      say(length, '');
      return fill(notes);
    }
    const missing = found.missingPlaceholders.map((name) => `{{ ${name} }}`).join(', ');
    const body = found.text === null ? [h('span', { class: 'quiet' }, t('A value is missing for {names}.', { names: missing }))]
      : message(found.text, found.entities);
    bubble.replaceChildren(...[media && attachment(media), ...body].filter(Boolean));
    const numbers = { length: count(found.utf16Length ?? 0), limit: count(found.limit) };
    say(length, found.utf16Length === null ? '' : t('{length} of {limit} characters', numbers));
    length.classList.toggle('bad', found.fits === false);
    fill(notes, ...found.warnings.map((warning) => h('li', {}, warning)));
  }

  const soon = rested(TYPING, look);
  show(null);
  look();
  const leave = () => {
    turn = NaN; // no answer is awaited any more
    soon.stop();
  };
  return { node, soon, leave };
}
