// What the overview asks: all at once, and of each thing only what the reader's role may see.

import { CAMPAIGN_LINE } from './operations.js';

const NEWEST = 'orderBy: { field: CREATED_AT, direction: DESC }';
const list = (alias, filter, first = 10) =>
  `${alias}: broadcastCampaigns(filter: { ${filter} }, first: ${first}, ${NEWEST}) { totalCount nodes { ${CAMPAIGN_LINE} } }`;

const ACCOUNTS = `
  parked: telegramAccounts(filter: { statuses: [RESTRICTED, FROZEN, NEEDS_LOGIN, BANNED] }, first: 20) {
    totalCount
    nodes { id label status lastError }
  }
  waiting: telegramAccounts(filter: { statuses: [FLOOD_WAIT] }, first: 20) { nodes { id label sendsResumeAt } }
  mailboxes: integrationConfigs(first: 10) { nodes { id mailbox { error } } }`;

const CALLBACKS = 'callbacks: webhookEvents(filter: { statuses: [FAILED] }, first: 1) { totalCount }';

/** The query for a role. */
export const overviewOf = (role) => `query Overview($today: DateTime!) {
  serverInfo { stop { at reason } }
  ${list('running', 'statuses: [RUNNING]')}
  ${list('stuck', 'pausedBy: HERALD')}
  ${list('paused', 'pausedBy: PERSON', 5)}
  ${list('queued', 'statuses: [QUEUED]', 5)}
  missed: broadcastCampaigns(filter: { statuses: [QUEUED] }, first: 100, ${NEWEST}) {
    nodes { id name scheduleMissedAt scheduleMissedReason }
  }
  latest: broadcastCampaigns(first: 50, ${NEWEST}) { nodes { id name jobsRemovedAt counters { unknown } } }
  sequences: retentionSequences(filter: { statuses: [ACTIVE] }, first: 1) { totalCount }
  sick: retentionSequences(filter: { statuses: [DRAFT, PAUSED] }, first: 100) { nodes { id name pauseReason } }
  tasks(filter: { statuses: [QUEUED, RUNNING] }, first: 1) { totalCount }
  broadcast: broadcastOverview(from: $today) { sent failed failures { reason sentence remedy count } }
  retention: retentionOverview(from: $today) { newLeads figures { attempts replied conversions } }
  ${role === 'ADMIN' ? ACCOUNTS : ''}
  ${role === 'AUDITOR' ? '' : CALLBACKS}
}`;
