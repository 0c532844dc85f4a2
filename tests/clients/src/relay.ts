// Relay against a running Herald, with the artifacts that its compiler made: sign in, start a campaign, page through its
// jobs by `node`, and find both pages in the store.

import assert from 'node:assert/strict'
import runtime, { type GraphQLTaggedNode, type MutationParameters } from 'relay-runtime'
import loginMutation, { type CampaignJobsLoginMutation } from './relay/__generated__/CampaignJobsLoginMutation.graphql.js'
import pageQuery, { type CampaignJobsPaginationQuery } from './relay/__generated__/CampaignJobsPaginationQuery.graphql.js'
import campaignQuery, { type CampaignJobsQuery } from './relay/__generated__/CampaignJobsQuery.graphql.js'
import startMutation, { type CampaignJobsStartMutation } from './relay/__generated__/CampaignJobsStartMutation.graphql.js'
import { campaignId, credentials, endpoint } from './session.js'

const { commitMutation, Environment, fetchQuery, Network, RecordSource, Store } = runtime

let accessToken: string | undefined

const environment = new Environment({
  store: new Store(new RecordSource()),
  network: Network.create(async ({ text }, variables) => {
    const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${accessToken}` }
    const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ query: text, variables }) })
    return response.json()
  }),
})

/** What the store holds of the connection, page by page. */
function connection() {
  const records = environment.getStore().getSource().toJSON() as Record<string, any>
  const { edges, pageInfo } = records[`client:${campaignId}:__CampaignJobs_jobs_connection`]
  const ids = edges.__refs.map((edge: string) => records[records[edge].node.__ref].id)
  return { ids, ...records[pageInfo.__ref] }
}

const mutate = <Operation extends MutationParameters>(mutation: GraphQLTaggedNode, variables: Operation['variables']) =>
  new Promise<Operation['response']>((resolve, reject) => {
    commitMutation<Operation>(environment, { mutation, variables, onCompleted: resolve, onError: reject })
  })

accessToken = (await mutate<CampaignJobsLoginMutation>(loginMutation, { input: credentials })).login?.accessToken
await mutate<CampaignJobsStartMutation>(startMutation, { input: { id: campaignId } })

await fetchQuery<CampaignJobsQuery>(environment, campaignQuery, { id: campaignId }).toPromise()
const first = connection()
assert.equal(first.ids.length, 2)
assert.equal(first.hasNextPage, true)

const next = { id: campaignId, first: 2, after: first.endCursor }
await fetchQuery<CampaignJobsPaginationQuery>(environment, pageQuery, next).toPromise()
const both = connection()
assert.deepEqual(both.ids.slice(0, 2), first.ids)
assert.equal(new Set(both.ids).size, 4)
assert.equal(both.hasNextPage, false)
