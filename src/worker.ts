/** The entry of a worker thread: main's first message says what it is to be. */
import { startWorker, type WorkerStart } from './server/worker-thread.ts';

declare const self: Worker;

self.addEventListener('message', (event) => startWorker(event.data as WorkerStart, self), { once: true });
