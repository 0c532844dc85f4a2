// A live list of a campaign's jobs in React: to be copied, with live-jobs.ts. In strict mode React makes and mounts everything twice;
// the list opens its subscription when it is mounted, so nothing is left open.

import type { Client } from 'graphql-ws'
import { useMemo, useSyncExternalStore } from 'react'
import { liveJobs } from './live-jobs.js'

export function LiveJobs({ socket, campaignId }: { socket: Client; campaignId: string }) {
  const list = useMemo(() => liveJobs(socket, campaignId), [socket, campaignId])
  const jobs = useSyncExternalStore(list.subscribe, list.getSnapshot)
  return (
    <ul>
      {jobs.map(({ id, status, errorMessage, channel }) => (
        <li key={id} data-status={status}>
          {channel.username}: {errorMessage ?? status}
        </li>
      ))}
    </ul>
  )
}
