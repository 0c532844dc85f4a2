// The list of live-jobs.ts against a running Herald: it has each job once, as it is, also after the connection was cut.

import assert from 'node:assert/strict'
import { createClient } from 'graphql-ws'
import WebSocket from 'ws'
import { liveJobs } from './live-jobs.js'
import { campaignId, credentials, endpoint, socketEndpoint } from './session.js'

let token = ''
async function ask(query: string, input?: object) {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) }
  const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ query, variables: { input, id: campaignId } }) })
  const { data, errors } = (await response.json()) as { data: any; errors?: { message: string }[] }
  if (errors) throw new Error(errors[0]?.message)
  return data
}

token = (await ask('mutation($input: LoginInput!) { login(input: $input) { accessToken } }', credentials)).login.accessToken
let connections = 0
const socket = createClient({
  url: socketEndpoint,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: `Bearer ${token}` },
  retryWait: async () => {},
  on: { connected: () => connections++ },
})
const list = liveJobs(socket, campaignId, (why) => assert.fail(String(why)))
// Somebody always listens: without anybody it would end its subscription.
const leave = list.subscribe(() => {})

/** Waits until the list is as it should be. */
const until = (holds: () => boolean) =>
  new Promise<void>((resolve) => {
    const stop = list.subscribe(look)
    function look() {
      if (!holds()) return
      stop()
      resolve()
    }
    look()
  })

await ask('mutation($input: StartBroadcastCampaignInput!) { startBroadcastCampaign(input: $input) { campaign { id } } }', { id: campaignId })
await until(() => list.getSnapshot().some((job) => job.status === 'SENT'))
socket.terminate()
const { broadcastCampaign } = await ask('query($id: ID!) { broadcastCampaign(id: $id) { totalJobs } }')
const isOver = () => list.getSnapshot().length === broadcastCampaign.totalJobs && list.getSnapshot().every((job) => job.status === 'SENT')
await until(isOver)
assert.equal(connections, 2, 'it was cut off, and came back')
assert.equal(new Set(list.getSnapshot().map((job) => job.channel.username)).size, broadcastCampaign.totalJobs)
leave()
await socket.dispose()
