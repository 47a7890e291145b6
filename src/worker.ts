/** The entry of every thread but main: main's first message says what it is to be. */
import { startThread, type ThreadStart } from './server/thread-start.ts';

declare const self: Worker;

self.addEventListener('message', (event) => startThread(event.data as ThreadStart, self), { once: true });
