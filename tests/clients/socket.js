// The client graphql-ws: results, refusals, a subscription that is ended by the client, a token that does not hold.

import assert from 'node:assert/strict'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'

const url = `${process.env.HERALD_URL}/graphql`.replace(/^http/, 'ws')
const VIEWER = '{ viewer { username } }'

const connect = (token) =>
  createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0, connectionParams: { Authorization: `Bearer ${token}` } })

const results = (client, query) =>
  new Promise((resolve, reject) => {
    const all = []
    client.subscribe({ query }, { next: (result) => all.push(result), error: reject, complete: () => resolve(all) })
  })

const client = connect(process.env.HERALD_TOKEN)
const [{ data }, ...more] = await results(client, VIEWER)
assert.deepEqual([data, more], [{ viewer: { username: 'admin' } }, []])
for (const wrong of ['{ nothing }', '{']) {
  await assert.rejects(results(client, wrong), (errors) => Array.isArray(errors) && errors.length === 1)
}

await new Promise((resolve, reject) => {
  const end = client.subscribe(
    { query: 'subscription { auditLogged { action } }' },
    { next: () => (end(), resolve()), error: reject, complete: () => {} },
  )
  // Something to be told of.
  results(client, 'mutation { login(input: { username: "nobody", password: "a wrong password" }) { expiresAt } }').catch(reject)
})
assert.equal((await results(client, VIEWER)).length, 1, 'the socket goes on')
await client.dispose()

await assert.rejects(results(connect('nonsense'), VIEWER), (event) => event.code === 4403)
