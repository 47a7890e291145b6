/** A worker that fails in the way CRASH names, as soon as a client sends something. */

import { assert } from '../../src/base/assert.ts';
import { RespConnection } from '../../src/server/clients/resp-connection.ts';
import { startWorker, type WorkerStart } from '../../src/server/worker-thread.ts';

declare const self: Worker;

RespConnection.prototype.receive = () => {
  switch (process.env['CRASH']) {
    case 'assertion':
      assert(false, 'an invariant is broken');
      break;
    case 'timer':
      setTimeout(() => {
        throw new Error('in a timer');
      }, 1);
      break;
    case 'promise':
      void Promise.reject(new Error('in a promise'));
      break;
    case 'exit':
      process.exit(0);
  }
};

self.addEventListener('message', (event) => startWorker(event.data as WorkerStart, self), { once: true });
