// A list of a campaign's jobs that is always as the server has it: to be copied. It needs graphql-ws and no framework; in React,
//
//   const list = useMemo(() => liveJobs(socket, campaignId), [socket, campaignId])
//   useEffect(() => list.close, [list])
//   const jobs = useSyncExternalStore(list.subscribe, list.getSnapshot)

import type { Client } from 'graphql-ws'

export interface Job {
  id: string
  status: string
  errorMessage: string | null
  channel: { id: string; username: string }
}

const UPDATES = `subscription($campaignId: ID!, $after: String) {
  jobUpdates(campaignId: $campaignId, after: $after) { cursor job { id status errorMessage channel { id username } } }
}`

export function liveJobs(socket: Client, campaignId: string, failed: (why: unknown) => void = console.error) {
  const jobs = new Map<string, Job>()
  const listeners = new Set<() => void>()
  let snapshot: readonly Job[] = []
  let isTold = true

  // Many changes come at once: whoever listens is told of them once.
  const tell = () => {
    isTold = true
    snapshot = [...jobs.values()]
    listeners.forEach((listener) => listener())
  }

  // graphql-ws sends these anew whenever it has connected again: then the stream goes on behind the last cursor.
  const variables: { campaignId: string; after: string | null } = { campaignId, after: null }
  const close = socket.subscribe<{ jobUpdates: { cursor: string; job: Job } }>(
    { query: UPDATES, variables },
    {
      next: ({ data, errors }) => {
        if (errors) failed(errors)
        if (!data) return
        const { cursor, job } = data.jobUpdates
        jobs.set(job.id, job)
        variables.after = cursor
        if (isTold) queueMicrotask(tell)
        isTold = false
      },
      error: failed,
      complete: () => {},
    },
  )

  return {
    subscribe: (listener: () => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    getSnapshot: () => snapshot,
    close,
  }
}
