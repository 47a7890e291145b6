/** A worker that fails in the way CRASH names, as soon as a client sends something; or a keeper that fails soon. */

import { assert } from '../../src/base/assert.ts';
import { RespConnection } from '../../src/server/clients/resp-connection.ts';
import { startThread, type ThreadStart } from '../../src/server/thread-start.ts';

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

self.addEventListener(
  'message',
  (event) => {
    const start = event.data as ThreadStart;
    startThread(start, self);
    if (start.role !== 'keeper' || process.env['CRASH'] !== 'keeper') return;
    setTimeout(() => {
      throw new Error('in the thread that keeps');
    }, 300);
  },
  { once: true },
);
