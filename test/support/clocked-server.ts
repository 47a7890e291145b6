/** A TestServer whose time stands still, at a time that the test sets, and replies as values. */
import { type Reply, replyValue } from './reply.ts';
import { TestServer, type TestServerOptions } from './test-server.ts';

export interface ClockedServer {
  readonly server: TestServer;
  /** Unix time in milliseconds that commands and duties see. */
  readonly clock: { nowMs: number };
  /** Runs one command; its reply as a value. */
  readonly run: (...parts: (string | number | Uint8Array)[]) => Reply;
}

export function clockedServer(nowMs: number, options: TestServerOptions = {}): ClockedServer {
  const server = new TestServer(options);
  const clock = { nowMs };
  const { keyspace } = server.engine;
  const setTime = keyspace.setTime.bind(keyspace);
  keyspace.setTime = () => setTime(clock.nowMs);
  return { server, clock, run: (...parts) => replyValue(server.run(...parts)) };
}
