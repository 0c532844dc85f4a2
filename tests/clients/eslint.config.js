// The lint of the published schema and its operations. Every rule of the strictest presets is on; each that is off or
// relaxed says why.

import graphql from '@graphql-eslint/eslint-plugin'

const rules = (...presets) => Object.assign({}, ...presets.map((preset) => graphql.configs[`flat/${preset}`].rules))
const rule = (name, ...options) => ({ [`@graphql-eslint/${name}`]: options.length > 0 ? ['error', ...options] : 'off' })

const naming = {
  types: 'PascalCase',
  FieldDefinition: 'camelCase',
  InputValueDefinition: 'camelCase',
  Argument: 'camelCase',
  DirectiveDefinition: 'camelCase',
  EnumValueDefinition: 'UPPER_CASE',
  // A verb first in mutations, no verb in queries, and nothing that repeats what kind of thing it is.
  'FieldDefinition[parent.name.value=Query]': { forbiddenPrefixes: ['query', 'get', 'list', 'find'], forbiddenSuffixes: ['Query', 'List'] },
  'FieldDefinition[parent.name.value=Mutation]': {
    forbiddenPrefixes: ['mutation', 'process', 'handle', 'manage', 'do'],
    forbiddenSuffixes: ['Mutation'],
  },
  'FieldDefinition[parent.name.value=Subscription]': { forbiddenPrefixes: ['subscription', 'on'], forbiddenSuffixes: ['Subscription'] },
  EnumTypeDefinition: { forbiddenPrefixes: ['Enum'], forbiddenSuffixes: ['Enum'] },
  InterfaceTypeDefinition: { forbiddenPrefixes: ['Interface'], forbiddenSuffixes: ['Interface'] },
  UnionTypeDefinition: { forbiddenPrefixes: ['Union'], forbiddenSuffixes: ['Union'] },
  ObjectTypeDefinition: { forbiddenPrefixes: ['Type'], forbiddenSuffixes: ['Type', 'Input'] },
  InputObjectTypeDefinition: { requiredPattern: /(Input|Filter|Order|Key)$/ },
  // Those that are named otherwise have the names of settings that people know.
  'FieldDefinition[gqlType.gqlType.name.value=Boolean]': {
    style: 'camelCase',
    requiredPattern: /^((is|has|can|fits|allow)|(accountFailover|autoAssign|instantlySync|trackClicks|trackOpens)$)/,
  },
}

export default [
  {
    files: ['schema/**/*.graphql'],
    plugins: { '@graphql-eslint': graphql },
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: 'schema/schema.graphql', documents: 'schema/operations/*.graphql' } },
    },
  },
  {
    files: ['schema/schema.graphql'],
    rules: {
      ...rules('schema-all', 'schema-relay'),
      ...rule('naming-convention', naming),
      ...rule('require-description', {
        types: true,
        rootField: true,
        FieldDefinition: true,
        InputValueDefinition: true,
        EnumValueDefinition: true,
        DirectiveDefinition: true,
        // The library that prints the schema leaves them out; introspection has them.
        ignoredSelectors: ['DirectiveDefinition InputValueDefinition'],
      }),
      // Types and fields are printed by the alphabet, capitals first. The values of enums come in the order of a life, arguments
      // as people think of them: first, after, filter, orderBy.
      ...rule('alphabetize'),
      // What can be read again by `node` has an id; these are values, or parts of what has one.
      ...rule('strict-id-in-types', {
        exceptions: {
          suffixes: [
            'Connection', 'Edge', 'Payload', 'Progress', 'Counters', 'Update', 'Preview', 'Preflight', 'Explanation', 'Failure', 'Count',
            'Stats',
          ],
          types: [
            'BroadcastOverview', 'ChannelCategory', 'ConversionRuleFinding', 'ImportError', 'MessageEntity', 'PageInfo', 'ServerInfo',
            'Admin', 'Statement',
            'AbTestArm', 'AbTestRule', 'AbTestStatistics', 'Attribution', 'AttributionShare', 'AverageCost',
            'CampaignFigures', 'CampaignReport', 'ChannelFigures', 'ChannelReport', 'ChannelSuccess', 'Consent',
            'ContactAttemptGroup', 'FunnelStep', 'InstantlyAnalytics', 'IntegrationField', 'IntegrationMailbox', 'JobSentChange', 'LeftOutChannels',
            'MetaCondition', 'Money',
            'NumberRange', 'ReportEnrollments', 'ReportExecutions', 'ReportFigures', 'ReportRange',
            'RetentionOverview', 'RetentionSeries', 'RetentionSeriesPoint', 'SendSeries', 'SendSeriesPoint', 'SentChanges', 'SequenceFunnel', 'SequenceTriggerConfig', 'StepConditions', 'Stop',
            'UnknownPlaceholder',
          ],
        },
      }),
      // Connections have `nodes` beside `edges`, as GitHub's do, and there are lists of plain values.
      ...rule('relay-edge-types', { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false }),
      // It forbids to have mutations and subscriptions.
      ...rule('no-root-type'),
      // Payloads are never null: what fails is an error at the top, and `data` is null then.
      ...rule('require-nullable-result-in-root'),
      // A payload has what was changed; a client that needs more asks in a second operation, under its own permission.
      ...rule('require-field-of-type-query-in-mutation-result'),
      // What is deprecated stays as long as somebody may use it.
      ...rule('require-deprecation-date'),
      // `User.username` has no shorter name.
      ...rule('no-typename-prefix'),
    },
  },
  {
    files: ['schema/operations/*.graphql'],
    rules: {
      ...rules('operations-all'),
      ...rule('require-description', { OperationDefinition: true }),
      // Selections and variables come in the order in which people think of them.
      ...rule('alphabetize', { arguments: ['Directive'] }),
    },
  },
]
