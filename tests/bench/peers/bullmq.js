// BullMQ on Redis (REDIS_URL): jobs in bulk, and workers whose job does nothing.

import { fileURLToPath } from 'node:url';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { isWorker, JOBS, measure, payload, whenTold } from './measure.js';

const NAME = 'send';
const connection = new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: null });

/** Jobs that one worker has in hand at once: more made it no quicker. */
const CONCURRENCY = 100;

if (isWorker) {
  const worker = new Worker(NAME, async () => {}, { connection, concurrency: CONCURRENCY, autorun: false });
  await worker.waitUntilReady();
  whenTold(() => worker.run());
} else {
  const queue = new Queue(NAME, { connection });
  await queue.obliterate({ force: true });
  await measure({
    peer: 'bullmq',
    file: fileURLToPath(import.meta.url),
    fill: async () => {
      const jobs = Array.from({ length: JOBS }, (_, number) => ({ name: NAME, data: payload(number), opts: { removeOnComplete: true } }));
      for (let at = 0; at < jobs.length; at += 1000) await queue.addBulk(jobs.slice(at, at + 1000));
    },
    left: async () => {
      const { waiting, active, prioritized, delayed } = await queue.getJobCounts('waiting', 'active', 'prioritized', 'delayed');
      return waiting + active + prioritized + delayed;
    },
    close: async () => {
      await queue.close();
      connection.disconnect();
    },
  });
}
