/** A worker thread: wires one engine together, listens, serves. */
import type { EngineSetup } from './server/engine.ts';
import { WorkerThread, type WorkerStart } from './server/worker-thread.ts';

declare const self: Worker;

self.onmessage = (event: MessageEvent) => {
  self.onmessage = null;
  const start = event.data as WorkerStart & { readonly setup: EngineSetup };
  new WorkerThread(start, self).listen();
};
