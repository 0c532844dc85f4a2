// Graphile Worker on PostgreSQL (DATABASE_URL): jobs in bulk, and workers whose job does nothing, with its settings for speed.

import { fileURLToPath } from 'node:url';
import { Logger, run, runMigrations } from 'graphile-worker';
import pg from 'pg';
import { isWorker, JOBS, measure, payload, whenTold } from './measure.js';

const connectionString = process.env.DATABASE_URL;

/** As its own page on performance has it: many jobs fetched at once, and completed together. */
const preset = { worker: { localQueue: { size: 500 }, completeJobBatchDelay: 0, failJobBatchDelay: 0 } };

// A line for each job would be measured, too.
const logger = new Logger(() => () => {});

if (isWorker) {
  const taskList = { send: async () => {} };
  whenTold(() => run({ connectionString, concurrency: 24, maxPoolSize: 26, taskList, preset, logger, noHandleSignals: true }));
} else {
  await runMigrations({ connectionString, logger });
  const pool = new pg.Pool({ connectionString });
  await measure({
    peer: 'graphile-worker',
    file: fileURLToPath(import.meta.url),
    fill: async () => {
      for (let at = 0; at < JOBS; at += 1000) {
        const jobs = Array.from({ length: Math.min(1000, JOBS - at) }, (_, number) => payload(at + number));
        await pool.query(
          `SELECT count(*) FROM graphile_worker.add_jobs(ARRAY(
             SELECT ROW('send', value, NULL, NULL, NULL, NULL, NULL, NULL)::graphile_worker.job_spec
             FROM json_array_elements($1::json)))`,
          [JSON.stringify(jobs)],
        );
      }
    },
    left: async () => Number((await pool.query('SELECT count(*) AS n FROM graphile_worker._private_jobs')).rows[0].n),
    close: () => pool.end(),
  });
}
