// The audits of GraphQL over HTTP that the package graphql-http brings: each must be ok, none a notice or a warning.

import assert from 'node:assert/strict'
import { serverAudits } from 'graphql-http'

const url = `${process.env.HERALD_URL}/graphql`
const results = await Promise.all(serverAudits({ url }).map((audit) => audit.fn()))
const bad = results.filter((result) => result.status !== 'ok')
for (const { status, id, name, reason } of bad) console.error(status, id, name, reason)
assert.equal(bad.length, 0, `${bad.length} of ${results.length} audits are not ok`)
assert.equal(results.length, 61)
