// The operations behind accounts, integrations, callbacks and leads.

const PAGE = '$first: Int, $after: String, $last: Int, $before: String';
const RANGE = 'first: $first, after: $after, last: $last, before: $before';
const INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';

export const ACCOUNTS = `query Accounts(${PAGE}) {
  telegramAccounts(${RANGE}, orderBy: { field: LABEL }) {
    nodes {
      id label status lastError name username phoneEnding messagesPerMinute sendsToday
      version newPeersPerDay newPeersToday resolvesPerDay resolvesToday sendsResumeAt resolvesResumeAt readsResumeAt
    }
    ${INFO}
  }
}`;

const ACCOUNT = 'account { id label status version }';
export const ADD_ACCOUNT = `mutation AddAccount($input: AddTelegramAccountInput!) { addTelegramAccount(input: $input) { ${ACCOUNT} } }`;
export const UPDATE_ACCOUNT = `mutation UpdateAccount($input: UpdateTelegramAccountInput!) { updateTelegramAccount(input: $input) { ${ACCOUNT} } }`;
export const ROTATE_SESSION = `mutation RotateSession($input: RotateTelegramSessionInput!) { rotateTelegramSession(input: $input) { ${ACCOUNT} } }`;
export const REMOVE_ACCOUNT = `mutation RemoveAccount($id: ID!) { removeTelegramAccount(input: { id: $id }) { removedId } }`;

export const INTEGRATIONS = `query Integrations {
  integrationConfigs(orderBy: { field: PROVIDER }) {
    nodes { id provider type isActive version updatedAt fields { name value } mailbox { readAt error } }
  }
}`;

export const TEST_INTEGRATION = `mutation TestIntegration($id: ID!) {
  testIntegration(input: { id: $id }) { isOk message }
}`;

export const SAVE_INTEGRATION = `mutation SaveIntegration($input: SaveIntegrationConfigInput!) {
  saveIntegrationConfig(input: $input) { integrationConfig { id } }
}`;
export const DELETE_INTEGRATION = `mutation DeleteIntegration($id: ID!) { deleteIntegrationConfig(input: { id: $id }) { deletedId } }`;

const callbacksIn = (state) => `${state}: webhookEvents(filter: { statuses: [${state}] }, first: 1) { totalCount }`;

export const CALLBACKS = `query Callbacks($filter: WebhookEventFilter, ${PAGE}) {
  page: webhookEvents(filter: $filter, ${RANGE}) {
    nodes { id provider status outcome errorMessage attempts receivedAt nextAttemptAt body }
    ${INFO}
  }
  ALL: webhookEvents(first: 1) { totalCount }
  ${['FAILED', 'UNMATCHED', 'RECEIVED', 'PROCESSED'].map(callbacksIn).join('\n  ')}
}`;

export const RETRY_CALLBACK = `mutation RetryCallback($id: ID!) {
  retryWebhookEvent(input: { id: $id }) { webhookEvent { id status } }
}`;

const leadsIn = (state) => `${state}: leads(filter: { search: $search, statuses: [${state}] }, first: 1) { totalCount }`;

export const LEADS = `query Leads($filter: LeadFilter, $search: String, ${PAGE}) {
  page: leads(filter: $filter, ${RANGE}, orderBy: { field: CREATED_AT, direction: DESC }) {
    nodes { id firstName lastName email phone externalId source status createdAt }
    ${INFO}
  }
  ALL: leads(filter: { search: $search }, first: 1) { totalCount }
  ${['NEW', 'IN_PROGRESS', 'CONTACTED', 'CONVERTED', 'DO_NOT_CONTACT'].map(leadsIn).join('\n  ')}
}`;

export const LEAD = `query Lead($id: ID!) {
  lead(id: $id) {
    id externalId firstName lastName email phone telegramUsername source status doNotContact notes language timeZone createdAt
    consents { channel kind source wording givenAt }
    campaignLeads(first: 10) { nodes { id campaign { id name } } }
    contactAttempts(first: 50) {
      nodes { id channel status startedAt provider notes script { id name } campaign { id name } }
      totalCount
    }
    sequenceEnrollments(first: 10) { nodes { id status currentStep enrolledAt sequence { id name } } }
    conversions(first: 20) { nodes { id status revenue currency createdAt } }
  }
}`;
