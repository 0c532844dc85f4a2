// What GraphQL Code Generator makes of the published schema, by the settings that are published beside it.

import type { CodegenConfig } from '@graphql-codegen/cli'
import config from '../../schema/codegen.json'

const generated: CodegenConfig = {
  schema: '../../schema/schema.graphql',
  documents: '../../schema/operations/*.graphql',
  emitLegacyCommonJSImports: false,
  silent: true,
  generates: { 'src/__generated__/': { preset: 'client', config } },
}

export default generated
