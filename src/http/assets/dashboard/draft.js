// A campaign that is being made: what was chosen on its screens, and what the server has of it already. It is kept in the tab, so
// that going back, forth and reloading lose nothing.

import {
  CREATE_BATCH, CREATE_CAMPAIGN, CREATE_TEMPLATE, DELETE_BATCH, DELETE_CAMPAIGN, UPDATE_CAMPAIGN, UPDATE_TEMPLATE,
} from './new-operations.js';
import { now } from './api.js';
import { t } from './language.js';
import { run, user } from './session.js';
import { count, time } from './words.js';

/** Another user of the same tab gets a draft of his own. */
const key = () => `herald.draft.${user()?.id}`;

const EMPTY = {
  whom: { kind: 'ALL', batchId: '', filter: { category: '', usernameContains: '', memberCountMin: '', memberCountMax: '' } },
  /** Channels that are written to, and their number: for previews and for the time that it takes. */
  found: { count: 0, total: 0, some: [] },
  what: { kind: 'TEXT', templateId: '', name: '', content: '', parseMode: 'PLAIN', media: null, params: {} },
  how: { name: '', mode: 'LIVE', testLimit: 20, deliveryRate: 20, accounts: 'ALL', accountIds: [], start: 'HAND', at: '' },
  /** What the server has: `{ id, of }` each, where `of` is the input that it was made of. */
  made: { template: null, batch: null, campaign: null },
};

/** The draft of this tab. */
export function draft() {
  const kept = sessionStorage.getItem(key());
  return kept ? JSON.parse(kept) : structuredClone(EMPTY);
}

export const keep = (draft) => sessionStorage.setItem(key(), JSON.stringify(draft));
export const forget = () => sessionStorage.removeItem(key());

/** The filter for the API: what was left empty is left out. */
export function filterOf({ filter }) {
  const number = (text) => (text === '' ? null : Number(text));
  const all = {
    category: filter.category,
    usernameContains: filter.usernameContains.trim(),
    memberCountMin: number(filter.memberCountMin),
    memberCountMax: number(filter.memberCountMax),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== '' && value !== null));
}

/** The text's template, as the API has it. */
export const templateId = ({ what, made }) => (what.kind === 'TEMPLATE' ? what.templateId : made.template?.id);

/** Whom it writes to, in a few words. */
export function audience({ whom, found }) {
  if (whom.kind === 'ALL') return t('All channels');
  if (whom.kind === 'BATCH') return found.name ?? t('A batch');
  const { category, usernameContains, memberCountMin, memberCountMax } = filterOf(whom);
  const parts = [
    category,
    usernameContains && `@…${usernameContains}…`,
    memberCountMin !== undefined && t('from {members} members', { members: count(memberCountMin) }),
    memberCountMax !== undefined && t('up to {members} members', { members: count(memberCountMax) }),
  ];
  return parts.filter(Boolean).join(', ') || t('All channels');
}

/** Saves the text as a template: the one that was made before, if this is its next version. */
export async function saveTemplate(draft) {
  const { what, made } = draft;
  if (what.kind === 'TEMPLATE') return;
  const { name, content, parseMode, media } = what;
  const input = { name, content, parseMode, mediaType: media?.type ?? null, mediaUploadId: media?.uploadId ?? null };
  const of = JSON.stringify(input);
  if (made.template?.of === of) return;
  const template = (await updated(made.template?.id, input)) ?? (await run(CREATE_TEMPLATE, { input })).createTemplate.template;
  made.template = { id: template.id, of, requiredParams: template.requiredParams };
  keep(draft);
}

/** The next version of the template; null if there is none to change, or no more. */
async function updated(id, input) {
  if (!id) return null;
  try {
    return (await run(UPDATE_TEMPLATE, { input: { id, ...input } })).updateTemplate.template;
  } catch (error) {
    if (error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

/** Makes the batch and the campaign, or changes the one that was made, so that it is as it was drawn up. */
export async function saveCampaign(draft) {
  const { how, made, what } = draft;
  const batchId = await batch(draft);
  const fixed = { batchId, templateId: templateId(draft), mode: how.mode, testLimit: Number(how.testLimit) };
  const settings = {
    name: how.name,
    deliveryRate: Number(how.deliveryRate),
    params: what.params,
    telegramAccountIds: how.accounts === 'ALL' ? null : how.accountIds,
  };
  const [of, ofSettings] = [JSON.stringify(fixed), JSON.stringify(settings)];
  if (made.campaign?.of === of) {
    if (made.campaign.ofSettings === ofSettings) return;
    await run(UPDATE_CAMPAIGN, { input: { id: made.campaign.id, ...settings } });
    made.campaign.ofSettings = ofSettings;
    return keep(draft);
  }
  const { createBroadcastCampaign } = await run(CREATE_CAMPAIGN, { input: { ...fixed, ...settings } }).catch((error) => {
    if (error.code === 'NOT_FOUND') made.batch = null; // deleted by somebody: the next attempt makes another
    throw error;
  });
  const before = made.campaign;
  made.campaign = { id: createBroadcastCampaign.campaign.id, of, ofSettings, ownBatch: made.batch?.id === batchId ? batchId : null };
  if (made.batch?.id !== batchId) made.batch = null;
  keep(draft);
  if (before) await discard(before, batchId);
}

/** Deletes a campaign that was made here, with the batch that was made for it, unless that is still wanted. */
export async function discard({ id, ownBatch }, wanted = null) {
  await run(DELETE_CAMPAIGN, { id });
  if (ownBatch && ownBatch !== wanted) await run(DELETE_BATCH, { id: ownBatch }).catch(() => {}); // somebody else uses it by now
}

/** The batch to which it writes; one is made unless it was chosen, or made before. */
async function batch(draft) {
  const { whom, made } = draft;
  if (whom.kind === 'BATCH') return whom.batchId;
  const filter = whom.kind === 'ALL' ? {} : filterOf(whom);
  const of = JSON.stringify(filter);
  // A list that was imported meanwhile has made another audience of the same filter.
  if (made.batch?.of === of && made.batch.total === draft.found.total) return made.batch.id;
  const name = `${audience(draft)}, ${time(new Date(now()).toISOString())}`.slice(0, 200);
  const input = Object.keys(filter).length ? { name, filter } : { name, all: true };
  const { createBatch } = await run(CREATE_BATCH, { input });
  made.batch = { id: createBatch.batch.id, of, total: createBatch.batch.channelCount };
  keep(draft);
  return made.batch.id;
}
