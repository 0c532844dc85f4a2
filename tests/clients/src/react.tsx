// The list of live-jobs-react.tsx against a running Herald, in strict mode: each channel is there once, as it is.

import assert from 'node:assert/strict'
import { createClient } from 'graphql-ws'
import { JSDOM } from 'jsdom'
import { StrictMode } from 'react'
import WebSocket from 'ws'
import { campaignId, credentials, endpoint, socketEndpoint } from './session.js'

async function ask(query: string, variables: object, token = '') {
  const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: `Bearer ${token}` }) }
  const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
  const { data, errors } = (await response.json()) as { data: any; errors?: { message: string }[] }
  if (errors) throw new Error(errors[0]?.message)
  return data
}

const { login } = await ask('mutation($input: LoginInput!) { login(input: $input) { accessToken } }', { input: credentials })
const token: string = login.accessToken
const socket = createClient({
  url: socketEndpoint,
  webSocketImpl: WebSocket,
  connectionParams: { Authorization: `Bearer ${token}` },
})

// React looks for these when it is loaded.
const { window } = new JSDOM()
for (const [name, value] of Object.entries({ window, document: window.document, navigator: window.navigator })) {
  Object.defineProperty(globalThis, name, { value, configurable: true })
}
const { createRoot } = await import('react-dom/client')
const { LiveJobs } = await import('./live-jobs-react.js')
const place = window.document.createElement('main')
const root = createRoot(place)
root.render(
  <StrictMode>
    <LiveJobs socket={socket} campaignId={campaignId} />
  </StrictMode>,
)

await ask('mutation($input: StartBroadcastCampaignInput!) { startBroadcastCampaign(input: $input) { campaign { id } } }', { input: { id: campaignId } }, token)
const { broadcastCampaign } = await ask('query($id: ID!) { broadcastCampaign(id: $id) { totalJobs } }', { id: campaignId }, token)
const shown = () => [...place.querySelectorAll('li')].map((line) => line.textContent)
for (const began = Date.now(); place.querySelectorAll('li[data-status=SENT]').length < broadcastCampaign.totalJobs; ) {
  assert.ok(Date.now() - began < 60_000, `these are shown: ${shown().join(', ')}`)
  await new Promise((resolve) => setTimeout(resolve, 20))
}
assert.equal(new Set(shown()).size, broadcastCampaign.totalJobs)
root.unmount()
await socket.dispose()
window.close()
