// Apollo Client against a running Herald: sign in, read, watch a campaign that is started meanwhile, find it in the cache.

import assert from 'node:assert/strict'
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from '@apollo/client'
import { SetContextLink } from '@apollo/client/link/context'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { OperationTypeNode } from 'graphql'
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
const bearer = () => (accessToken === undefined ? {} : { Authorization: `Bearer ${accessToken}` })

const socket = createClient({ url: socketEndpoint, webSocketImpl: WebSocket, connectionParams: bearer })
const client = new ApolloClient({
  cache: new InMemoryCache(),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    ApolloLink.from([
      new SetContextLink(({ headers }) => ({ headers: { ...headers, ...bearer() } })),
      new HttpLink({ uri: endpoint }),
    ]),
  ),
})

const refusal = await client.query({ query: CampaignWithJobsDocument, variables: { id: campaignId } }).catch((error) => error)
assert(CombinedGraphQLErrors.is(refusal), String(refusal))
assert.equal(refusal.errors[0]?.extensions?.['code'], 'UNAUTHENTICATED')

const login = await client.mutate({ mutation: LoginDocument, variables: { input: credentials } })
accessToken = login.data?.login?.accessToken

const campaign = () =>
  client.query({ query: CampaignWithJobsDocument, variables: { id: campaignId, statuses: [JobStatus.Sent] } })
const before = (await campaign()).data?.broadcastCampaign
assert.equal(before?.status, BroadcastCampaignStatus.Queued)

const versions: number[] = []
const watched = new Promise<void>((resolve, reject) => {
  client.subscribe({ query: BroadcastCampaignProgressDocument, variables: { id: campaignId } }).subscribe({
    next: ({ data, error }) => {
      if (error) reject(error)
      if (data) versions.push(data.broadcastCampaignProgress.version)
    },
    error: reject,
    complete: resolve,
  })
})
await client.mutate({ mutation: StartBroadcastCampaignDocument, variables: { input: { id: campaignId } } })
assert.equal((await campaign()).data?.broadcastCampaign?.status, BroadcastCampaignStatus.Running, 'read from the cache')
await watched
assert(versions.length >= 2 && versions.every((version, at) => at === 0 || version > versions[at - 1]!), String(versions))

assert.equal((await campaign()).data?.broadcastCampaign?.status, BroadcastCampaignStatus.Completed, 'the events moved the cache')

const after = await client.query({
  query: CampaignWithJobsDocument,
  variables: { id: campaignId, statuses: [JobStatus.Sent] },
  fetchPolicy: 'network-only',
})
assert.equal(after.data?.broadcastCampaign?.status, BroadcastCampaignStatus.Completed)
assert.equal(after.data?.broadcastCampaign?.jobs.totalCount, before?.totalJobs)

client.stop()
await socket.dispose()
