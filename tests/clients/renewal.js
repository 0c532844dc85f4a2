// Sockets whose tokens live a second: graphql-ws, Apollo and urql, unmodified, come back by themselves with a newer token, again
// and again. `HERALD_TOKEN_FILE` has a token that holds for a moment yet.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { ApolloClient, CombinedGraphQLErrors, HttpLink, InMemoryCache, gql } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'

const endpoint = `${process.env.HERALD_URL}/graphql`
const url = endpoint.replace(/^http/, 'ws')
const bearer = () => ({ Authorization: `Bearer ${readFileSync(process.env.HERALD_TOKEN_FILE, 'utf8')}` })

/** How often each client must have come back. */
const RENEWALS = Number(process.env.HERALD_TEST_RENEWALS ?? 8)
/** With which codes the server has closed its sockets. */
const closes = new Set()

function socket() {
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    connectionParams: bearer,
    retryAttempts: Infinity,
    // Only how long it waits: whether it comes back is its own affair.
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)),
  })
  client.on('closed', ({ code }) => closes.add(code))
  return client
}

// The first event is the present state: one comes for each connection.
const STATE = 'subscription { serverUpdated { isSimulated } }'

const watches = {
  'graphql-ws': (next, error) => socket().subscribe({ query: STATE }, { next, error, complete: () => error('complete') }),
  apollo: (next, error) => {
    const client = new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(socket()) })
    client.subscribe({ query: gql(STATE) }).subscribe({
      next: (result) => (result.error ? error(result.error) : next()),
      error,
      complete: () => error('complete'),
    })
  },
  urql: (next, error) => {
    const ws = socket()
    const forwardSubscription = ({ query, variables }) => ({
      subscribe: (sink) => ({ unsubscribe: ws.subscribe({ query: query ?? '', variables: variables ?? {} }, sink) }),
    })
    const client = new Client({ url: endpoint, preferGetMethod: false, exchanges: [subscriptionExchange({ forwardSubscription })] })
    client.subscription(STATE, {}).subscribe((result) => (result.error ? error(result.error) : next()))
  },
}

await Promise.all(
  Object.entries(watches).map(
    ([name, watch]) =>
      new Promise((resolve, reject) => {
        let told = 0
        watch(
          () => ++told > RENEWALS && resolve(),
          (error) => reject(new Error(`${name} gave up after ${told}: ${JSON.stringify(error)}`)),
        )
      }),
  ),
)
assert.deepEqual([...closes], [4403], 'a code after which clients come again')

// Details that are folded away: the thing is there all the same, without a cache that adds __typename.
const fetchOptions = () => ({ headers: bearer() })
const plain = new Client({ url: endpoint, fetchOptions, preferGetMethod: false, exchanges: [fetchExchange] })
const folded = `query($id: ID!, $open: Boolean!) { broadcastCampaign(id: $id) { ...Details @include(if: $open) } }
  fragment Details on BroadcastCampaign { id name }`
const details = async (open) => (await plain.query(folded, { id: process.env.HERALD_CAMPAIGN, open })).data.broadcastCampaign
assert.deepEqual(await details(false), {})
assert.equal((await details(true)).id, process.env.HERALD_CAMPAIGN)

// With `errorPolicy: none` an error takes the answer along: the neighbour that went well is in the error itself.
const apollo = new ApolloClient({
  cache: new InMemoryCache(),
  link: new HttpLink({ uri: endpoint, fetch: (uri, options) => fetch(uri, { ...options, headers: { ...options.headers, ...bearer() } }) }),
})
const mutation = gql`
  mutation {
    good: createTemplate(input: { name: "good", content: "x" }) { template { id } }
    bad: createTemplate(input: { name: "", content: "x" }) { template { id } }
  }
`
const refusal = await apollo.mutate({ mutation, errorPolicy: 'none' }).catch((error) => error)
assert(CombinedGraphQLErrors.is(refusal), String(refusal))
assert.deepEqual(refusal.errors.map(({ path, extensions }) => [path, extensions.code]), [[['bad'], 'BAD_USER_INPUT']])
assert.equal(typeof refusal.data.good.template.id, 'string')
assert.equal(refusal.data.bad, null)

process.exit(0)
