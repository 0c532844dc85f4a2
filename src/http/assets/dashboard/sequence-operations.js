// The operations behind sequences, their picture and their editor, and A/B tests.

const PAGE = '$first: Int, $after: String, $last: Int, $before: String';
const RANGE = 'first: $first, after: $after, last: $last, before: $before';
const INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor }';
const sequencesIn = (state) =>
  `${state}: retentionSequences(filter: { search: $search, statuses: [${state}] }, first: 1) { totalCount }`;

export const SEQUENCES = `query Sequences($filter: RetentionSequenceFilter, $search: String, ${PAGE}) {
  page: retentionSequences(filter: $filter, ${RANGE}, orderBy: { field: CREATED_AT, direction: DESC }) {
    nodes {
      id name status triggerType pauseReason enrollmentCount
      enrollmentCounts { status count }
      steps { id channel isActive delayValue delayUnit }
    }
    ${INFO}
  }
  ALL: retentionSequences(filter: { search: $search }, first: 1) { totalCount }
  ${['ACTIVE', 'PAUSED', 'DRAFT', 'ARCHIVED'].map(sequencesIn).join('\n  ')}
}`;

const COUNTS = 'executionCounts { status count }';
const CONDITIONS =
  'conditions { languages leadSources leadStatuses previousStatuses meta { name value } }';

export const SEQUENCE = `query Sequence($id: ID!) {
  retentionSequence(id: $id) {
    id name description status pauseReason audience triggerType stepsVersion version createdAt
    triggerConfig { source status minAgeHours lookbackMinutes }
    campaign { id name }
    enrollmentCounts { status count }
    steps { id stepOrder channel delayValue delayUnit isActive script { id name } ${CONDITIONS} ${COUNTS} }
  }
}`;

/** What moves: each step with its numbers comes with the event. */
export const SEQUENCE_PROGRESS = `subscription SequenceProgress($id: ID!) {
  sequenceProgress(id: $id) {
    version status enrolled
    enrollments { status count }
    sequence { id version stepsVersion status pauseReason steps { id ${COUNTS} } }
  }
}`;

/** What leads answered and brought, and who is still on earlier steps. */
export const FUNNEL = `query Funnel($id: ID!, $from: DateTime) {
  sequenceFunnel(sequenceId: $id, from: $from) {
    steps { stepId stepsVersion executions { status count } figures { replied clicked conversions } }
  }
}`;

export const CREATE_SEQUENCE = `mutation CreateSequence($input: CreateRetentionSequenceInput!) {
  createRetentionSequence(input: $input) { sequence { id } }
}`;
export const REPLACE_STEPS = `mutation ReplaceSteps($input: ReplaceSequenceStepsInput!) {
  replaceSequenceSteps(input: $input) { sequence { id version stepsVersion } warnings }
}`;
const CHANGED = 'sequence { id status version }';
export const ACTIVATE = `mutation Activate($input: ActivateRetentionSequenceInput!) {
  activateRetentionSequence(input: $input) { ${CHANGED} warnings }
}`;
export const PAUSE = `mutation PauseSequence($input: PauseRetentionSequenceInput!) {
  pauseRetentionSequence(input: $input) { ${CHANGED} }
}`;
export const ARCHIVE = `mutation ArchiveSequence($input: ArchiveRetentionSequenceInput!) {
  archiveRetentionSequence(input: $input) { ${CHANGED} }
}`;

/** The scripts that a step may say, by the name that was searched for. */
export const SCRIPTS = `query Scripts($channel: ContactChannel!, $name: String) {
  scripts(filter: { types: [$channel], nameContains: $name }, first: 100, orderBy: { field: NAME }) {
    totalCount
    nodes { id name isDefault }
  }
}`;

const STATISTICS = `statistics {
  at decision reasons probabilityBIsBetter pValue sequentialPValue
  a { assigned sent successes rate }
  b { assigned sent successes rate }
  difference { low high }
  sequentialDifference { low high }
}`;

export const AB_TESTS = `query AbTests($filter: AbTestFilter, ${PAGE}) {
  abTests(filter: $filter, ${RANGE}) {
    totalCount
    nodes {
      id name status channel winner version startedAt endedAt
      variantA { id name } variantB { id name }
      step { id stepOrder sequence { id name } }
      campaign { id name }
      rule { goal alpha minDays maxDays minSample minProbability shareOfA }
      ${STATISTICS}
    }
    ${INFO}
  }
}`;

export const TEST_CONTROLS = {
  start: `mutation StartTest($input: StartAbTestInput!) { startAbTest(input: $input) { abTest { id status } } }`,
  stop: `mutation StopTest($input: StopAbTestInput!) { stopAbTest(input: $input) { abTest { id status } } }`,
  declare: `mutation DeclareWinner($input: DeclareAbTestWinnerInput!) { declareAbTestWinner(input: $input) { abTest { id status winner } } }`,
};

export const TEST_CAMPAIGNS = `query TestCampaigns($search: String) {
  retentionCampaigns(filter: { search: $search }, first: 100, orderBy: { field: CREATED_AT, direction: DESC }) {
    totalCount
    nodes { id name }
  }
}`;
export const CREATE_TEST = `mutation CreateTest($input: CreateAbTestInput!) { createAbTest(input: $input) { abTest { id } } }`;
