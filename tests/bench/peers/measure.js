// What the peers share: jobs are put in, one worker process a core is started, and the time is taken until no job is left.

import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';

/** How often it is looked whether jobs are left, in milliseconds. */
const LOOK = 20;

/** How many jobs a peer does. */
export const JOBS = Number(process.env.JOBS ?? 20_000);

/** A message as a job carries it: what is to be sent, and to whom. */
export const payload = (number) => ({ campaign: 'bench', channel: `channel_${number}`, text: 'Hello' });

/**
 * Measures a peer. `file` is run again as each worker, which says 'ready' and begins when it is told 'go'.
 * `fill()` puts the jobs in, `left()` says how many are not done.
 */
export async function measure({ peer, file, fill, left, close }) {
  await fill();
  if ((await left()) !== JOBS) throw new Error(`${peer}: not all jobs went in`);
  const workers = Array.from({ length: availableParallelism() }, () => fork(file, ['worker']));
  await Promise.all(workers.map((worker) => new Promise((ready) => worker.once('message', ready))));
  const began = performance.now();
  for (const worker of workers) worker.send('go');
  while ((await left()) > 0) await pause(LOOK);
  const seconds = (performance.now() - began) / 1000;
  for (const worker of workers) worker.kill();
  await close();
  const { version } = createRequire(import.meta.url)(`./node_modules/${peer}/package.json`);
  const jobs_per_s = Math.round(JOBS / seconds);
  console.log(JSON.stringify({ bench: 'peer', peer, version, workers: workers.length, jobs: JOBS, jobs_per_s }));
}

/** In a worker: says that it is ready, and begins when it is told. */
export function whenTold(begin) {
  process.once('message', begin);
  process.send('ready');
}

/** Whether this process is a worker. */
export const isWorker = process.argv[2] === 'worker';
