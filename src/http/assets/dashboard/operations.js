// The operations of the API that the pages use.

export const VIEWER = `query Viewer {
  viewer { username role }
  serverInfo { isSimulated realChannels version }
}`;

const COUNTERS = 'version total queued sending sent failed cancelled unknown';

/** What a line of a list of campaigns shows. */
export const CAMPAIGN_LINE = `
  id name status pausedBy pauseReason mode deliveryRate totalJobs scheduledAt scheduleMissedAt scheduleMissedReason
  startedAt completedAt
  counters { ${COUNTERS} }
  batch { name }
  template { name }`;

/** A page of the list, and how many campaigns there are in each state. */
export const CAMPAIGNS = `query Campaigns(
  $filter: BroadcastCampaignFilter, $name: String, $first: Int, $after: String, $last: Int, $before: String
) {
  page: broadcastCampaigns(
    filter: $filter, orderBy: { field: CREATED_AT, direction: DESC }
    first: $first, after: $after, last: $last, before: $before
  ) {
    nodes { ${CAMPAIGN_LINE} }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
  ALL: broadcastCampaigns(filter: { nameContains: $name }) { totalCount }
  RUNNING: broadcastCampaigns(filter: { nameContains: $name, statuses: [RUNNING] }) { totalCount }
  PAUSED: broadcastCampaigns(filter: { nameContains: $name, statuses: [PAUSED] }) { totalCount }
  QUEUED: broadcastCampaigns(filter: { nameContains: $name, statuses: [QUEUED] }) { totalCount }
  COMPLETED: broadcastCampaigns(filter: { nameContains: $name, statuses: [COMPLETED] }) { totalCount }
  FAILED: broadcastCampaigns(filter: { nameContains: $name, statuses: [FAILED] }) { totalCount }
  CANCELLED: broadcastCampaigns(filter: { nameContains: $name, statuses: [CANCELLED] }) { totalCount }
}`;

export const CAMPAIGN = `query Campaign($id: ID!) {
  broadcastCampaign(id: $id) {
    id name description status mode isSimulated deliveryRate retryLimit totalJobs content
    pausedBy pauseReason scheduleMissedAt scheduleMissedReason createdAt scheduledAt startedAt completedAt
    jobsRemovedAt
    counters { ${COUNTERS} }
    failures(first: 20) { reason sentence remedy count }
    batch { name channelCount }
    template { name content }
    createdBy { username }
  }
}`;

/** What a start would find. */
export const PREFLIGHT = `query Preflight($id: ID!) {
  broadcastCampaignPreflight(id: $id) {
    isReady recipients problems warnings closedChannels paidChannels
    leftOut { count usernames failure { reason sentence remedy } }
    unknownPlaceholders { name count }
  }
}`;

export const PROGRESS = `subscription Progress($id: ID!) {
  broadcastCampaignProgress(id: $id) { status ratePerMinute etaSeconds ${COUNTERS} }
}`;

export const JOBS = `query Jobs(
  $id: ID!, $filter: JobFilter, $orderBy: JobOrder, $first: Int, $after: String, $last: Int, $before: String
) {
  broadcastCampaign(id: $id) {
    jobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      nodes {
        id position status attempts sentAt failedAt errorMessage
        failure { reason sentence }
        explanation { reason until }
        channel { username title }
      }
      pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    }
  }
}`;

const LINE = 'id timestamp action severity ipAddress resourceType resourceId metadata user { username }';

export const AUDIT_LOGS = `query AuditLogs($filter: AuditLogFilter, $after: String) {
  auditLogs(filter: $filter, after: $after, first: 50, orderBy: { field: TIMESTAMP, direction: DESC }) {
    nodes { ${LINE} }
    pageInfo { hasNextPage endCursor }
  }
}`;

export const AUDIT_LOGGED = `subscription AuditLogged($severities: [LogSeverity!]) {
  auditLogged(severities: $severities) { ${LINE} }
}`;

const STOP = 'stop { reason at by { username } }';

export const SERVER_UPDATED = `subscription ServerUpdated { serverUpdated { ${STOP} } }`;
export const STOP_ALL = `mutation StopAll($reason: String!) { stopAll(input: { reason: $reason }) { ${STOP} } }`;
export const RESUME_ALL = 'mutation ResumeAll { resumeAll { hasResumed } }';

const RETRIED = 'retried skipped skippedBecause { sentence remedy }';
const CHANGED = 'campaign { id status }';

/** What can be done to a campaign, by name. A start takes a key: whoever repeats one that was not answered is told of its success. */
export const CONTROLS = {
  start: `mutation Start($id: ID!, $key: String) { startBroadcastCampaign(input: { id: $id, idempotencyKey: $key }) { ${CHANGED} } }`,
  pause: `mutation Pause($id: ID!) { pauseBroadcastCampaign(input: { id: $id }) { ${CHANGED} } }`,
  resume: `mutation Resume($id: ID!) { resumeBroadcastCampaign(input: { id: $id }) { ${CHANGED} } }`,
  cancel: `mutation Cancel($id: ID!) { cancelBroadcastCampaign(input: { id: $id }) { ${CHANGED} } }`,
  retry: `mutation RetryFailed($id: ID!) { retryFailedJobs(input: { campaignId: $id }) { ${CHANGED} ${RETRIED} } }`,
};

/** Tries again what failed for one of these reasons. */
export const RETRY_REASONS = `mutation RetryReasons($id: ID!, $errors: [String!]!) {
  retryFailedJobs(input: { campaignId: $id, filter: { errors: $errors } }) { ${CHANGED} ${RETRIED} }
}`;
