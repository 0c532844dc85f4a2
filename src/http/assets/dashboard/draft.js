// A campaign that is being made: what was chosen on its screens, and what the server has of it already. It is kept in the tab, so
// that going back, forth and reloading lose nothing.

import {
  CAMPAIGN_STATE, CREATE_BATCH, CREATE_CAMPAIGN, CREATE_TEMPLATE, DELETE_BATCH, DELETE_CAMPAIGN, UPDATE_CAMPAIGN, UPDATE_TEMPLATE,
} from './new-operations.js';
import { freshKey, isUnanswered, now } from './api.js';
import { t } from './language.js';
import { run, user } from './session.js';
import { count, time } from './words.js';

/** Another user of the same tab gets a draft of his own. */
const key = (owner) => `herald.draft.${owner}`;

const EMPTY = {
  whom: { kind: 'ALL', batchId: '', filter: { category: '', usernameContains: '', memberCountMin: '', memberCountMax: '' } },
  /** Channels that are written to, and their number: for previews and for the time that it takes. */
  found: { count: 0, total: 0, some: [] },
  what: { kind: 'TEXT', templateId: '', name: '', content: '', parseMode: 'PLAIN', media: null, params: {} },
  how: { name: '', mode: 'LIVE', testLimit: 20, deliveryRate: 20, accounts: 'ALL', accountIds: [], start: 'HAND', at: '' },
  /**
   * What the server has: `{ id, of }` each, where `of` is the input that it was made of. `saved` is all that was chosen when the campaign
   * was saved, `asked` what was asked for and perhaps not answered: `{ of, input }` each.
   */
  made: { template: null, batch: null, campaign: null, saved: '', asked: {} },
};

/** The draft that is being worked at: one for all screens, so that what one of them learns late is lost to none. */
let current = null;

/** The draft of this tab. */
export function draft() {
  const { id: owner } = user();
  const kept = sessionStorage.getItem(key(owner));
  if (kept && current?.owner === owner) return current;
  current = { ...(kept ? JSON.parse(kept) : structuredClone(EMPTY)), owner };
  current.made = { ...EMPTY.made, asked: {}, ...current.made };
  return current;
}

/** Keeps it, unless it was forgotten, or belongs to somebody who has signed out. */
export function keep(draft) {
  if (draft === current && draft.owner === user()?.id) sessionStorage.setItem(key(draft.owner), JSON.stringify(draft));
}

export function forget() {
  if (current) sessionStorage.removeItem(key(current.owner));
  current = null;
}

/** All that was chosen, and how many that reaches. */
const chosen = ({ whom, what: { isDone, ...what }, how, found: { count, total, name } }) =>
  JSON.stringify([whom, what, how, count, total, name]);

/** Whether the campaign that was made is as it is drawn up here. */
export const isSaved = (draft) => Boolean(draft.made.campaign) && draft.made.saved === chosen(draft);

/** The state of a campaign: `{ status, ... }`; null if there is none. */
export const stateOf = async (id) => (await run(CAMPAIGN_STATE, { id })).broadcastCampaign;

/** Lets go of a campaign that was started or deleted meanwhile, and of its batch: what is made next is another. */
export async function settle(draft) {
  const { made } = draft;
  if (!made.campaign || (await stateOf(made.campaign.id))?.status === 'QUEUED') return;
  Object.assign(made, { campaign: null, batch: null, saved: '' });
  keep(draft);
}

/**
 * Runs what makes a thing, so that one is made: after an answer that was lost the same is asked under the same key. `of` says of what it is
 * made.
 */
async function once(draft, thing, of, operation, input) {
  const { asked } = draft.made;
  if (asked[thing]?.of !== of) asked[thing] = { of, input: { ...input, idempotencyKey: freshKey() } };
  keep(draft);
  try {
    const answer = await run(operation, { input: asked[thing].input });
    delete asked[thing];
    return answer;
  } catch (error) {
    if (!isUnanswered(error)) delete asked[thing];
    throw error;
  } finally {
    keep(draft);
  }
}

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
  const create = async () => (await once(draft, 'template', of, CREATE_TEMPLATE, input)).createTemplate.template;
  const template = (await updated(made.template?.id, input)) ?? (await create());
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
  const { made } = draft;
  const all = chosen(draft); // what is changed while it is saved is not saved
  await settle(draft);
  await madeAs(draft);
  made.saved = all;
  keep(draft);
}

/** Makes or changes the campaign. */
async function madeAs(draft) {
  const { how, made, what } = draft;
  const fixed = { templateId: templateId(draft), mode: how.mode, testLimit: Number(how.testLimit) };
  const settings = {
    name: how.name,
    deliveryRate: Number(how.deliveryRate),
    params: { ...what.params },
    telegramAccountIds: how.accounts === 'ALL' ? null : [...how.accountIds],
  };
  const batchId = await batch(draft);
  const [of, ofSettings] = [JSON.stringify({ batchId, ...fixed }), JSON.stringify(settings)];
  if (made.campaign?.of === of) {
    if (made.campaign.ofSettings === ofSettings) return;
    await run(UPDATE_CAMPAIGN, { input: { id: made.campaign.id, ...settings } });
    made.campaign.ofSettings = ofSettings;
    return;
  }
  const input = { batchId, ...fixed, ...settings };
  const { createBroadcastCampaign } = await once(draft, 'campaign', of + ofSettings, CREATE_CAMPAIGN, input).catch((error) => {
    if (error.code === 'NOT_FOUND') made.batch = null; // deleted by somebody: the next attempt makes another
    throw error;
  });
  const before = made.campaign;
  const { id } = createBroadcastCampaign.campaign;
  made.campaign = { id, of, ofSettings, ownBatch: made.batch?.id === batchId ? batchId : null, startKey: freshKey() };
  if (made.batch?.id !== batchId) made.batch = null;
  keep(draft);
  if (before) await discard(before, batchId);
}

/**
 * Deletes a campaign that was made here, with the batch that was made for it, unless that is still wanted. One that was started stays:
 * then the answer is false.
 */
export async function discard({ id, ownBatch }, wanted = null) {
  const state = await stateOf(id);
  if (state && state.status !== 'QUEUED') return false;
  if (state) await run(DELETE_CAMPAIGN, { id });
  if (ownBatch && ownBatch !== wanted) await run(DELETE_BATCH, { id: ownBatch }).catch(() => {}); // somebody else uses it by now
  return true;
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
  const { createBatch } = await once(draft, 'batch', `${of}${draft.found.total}`, CREATE_BATCH, input);
  made.batch = { id: createBatch.batch.id, of, total: createBatch.batch.channelCount };
  keep(draft);
  return made.batch.id;
}
