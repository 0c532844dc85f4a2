// urql against a running Herald: sign in, read, watch a campaign that is started meanwhile.

import assert from 'node:assert/strict'
import { cacheExchange, Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import {
  BroadcastCampaignProgressDocument,
  BroadcastCampaignStatus,
  CampaignWithJobsDocument,
  JobStatus,
  LoginDocument,
  StartBroadcastCampaignDocument,
} from './__generated__/graphql.js'
import { campaignId, credentials, endpoint, socketEndpoint } from './session.js'

let accessToken: string | undefined
const bearer = (): Record<string, string> => (accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` })

const socket = createClient({ url: socketEndpoint, webSocketImpl: WebSocket, connectionParams: bearer })
const client = new Client({
  url: endpoint,
  fetchOptions: () => ({ headers: bearer() }),
  preferGetMethod: false,
  exchanges: [
    cacheExchange,
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? '', variables: variables ?? {} }, sink) }),
      }),
    }),
  ],
})

const refusal = await client.query(CampaignWithJobsDocument, { id: campaignId })
assert.equal(refusal.error?.graphQLErrors[0]?.extensions['code'], 'UNAUTHENTICATED')

const login = await client.mutation(LoginDocument, { input: credentials })
accessToken = login.data?.login?.accessToken

const campaign = () => client.query(CampaignWithJobsDocument, { id: campaignId, statuses: [JobStatus.Sent] })
const before = (await campaign()).data?.broadcastCampaign
assert.equal(before?.status, BroadcastCampaignStatus.Queued)

const versions: number[] = []
const watched = new Promise<void>((resolve, reject) => {
  socket.on('closed', () => reject(new Error('the socket was closed')))
  client.subscription(BroadcastCampaignProgressDocument, { id: campaignId }).subscribe(({ data, error, hasNext }) => {
    if (error) reject(error)
    if (data) versions.push(data.broadcastCampaignProgress.version)
    if (data?.broadcastCampaignProgress.status === BroadcastCampaignStatus.Completed || !hasNext) resolve()
  })
})
await client.mutation(StartBroadcastCampaignDocument, { input: { id: campaignId } })
await watched
assert(versions.length >= 2 && versions.every((version, at) => at === 0 || version > versions[at - 1]!), String(versions))

const after = (await campaign()).data?.broadcastCampaign
assert.equal(after?.status, BroadcastCampaignStatus.Completed, 'the mutation made what was cached stale')
assert.equal(after?.jobs.totalCount, before?.totalJobs)

await socket.dispose()
