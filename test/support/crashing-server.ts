/** The control thread with workers that fail: see crashing-worker.ts. Listens on the port given. */

import { Config } from '../../src/server/config/config.ts';
import { MainThread } from '../../src/server/main-thread.ts';

const config = Config.withDefaults({ memoryBytes: 1 << 30, cpuCount: 2 });
config.assign({ port: process.argv[2]!, bind: '127.0.0.1', threads: '2' });
config.assign({ save: '', dbfilename: '' });
await new MainThread(config).start(() => new Worker(new URL('./crashing-worker.ts', import.meta.url).href));
