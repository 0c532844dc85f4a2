// A list of a campaign's jobs that is always as the server has it: to be copied. It needs graphql-ws and no framework; for React there
// is live-jobs-react.tsx. It listens to the server while somebody listens to it.

import type { Client } from 'graphql-ws'

export interface Job {
  id: string
  status: string
  errorMessage: string | null
  channel: { id: string; username: string }
}

export interface JobList {
  /** Calls the listener after each change; returns what ends that. */
  subscribe: (listener: () => void) => () => void
  /** The jobs as they are: the same array until one of them changes. */
  getSnapshot: () => readonly Job[]
}

const UPDATES = `subscription($campaignId: ID!, $after: String) {
  jobUpdates(campaignId: $campaignId, after: $after) { cursor job { id status errorMessage channel { id username } } }
}`

export function liveJobs(socket: Client, campaignId: string, failed: (why: unknown) => void = console.error): JobList {
  const jobs = new Map<string, Job>()
  const listeners = new Set<() => void>()
  let snapshot: readonly Job[] = []
  let isTold = true
  let close: (() => void) | undefined

  // Many changes come at once: whoever listens is told of them once.
  const tell = () => {
    isTold = true
    snapshot = [...jobs.values()]
    listeners.forEach((listener) => listener())
  }

  // graphql-ws sends these anew whenever it has connected again: then the stream goes on behind the last cursor.
  const variables: { campaignId: string; after: string | null } = { campaignId, after: null }
  const open = () =>
    socket.subscribe<{ jobUpdates: { cursor: string; job: Job } }>(
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
    subscribe: (listener) => {
      listeners.add(listener)
      close ??= open()
      return () => {
        listeners.delete(listener)
        if (listeners.size > 0) return
        close?.()
        close = undefined
      }
    },
    getSnapshot: () => snapshot,
  }
}
