/** A server without sockets and clients that wait for each other. */
import { expect } from 'bun:test';
import { Head } from '../../src/memory/shard.ts';
import { type TestClient, TestServer, type TestServerOptions } from './test-server.ts';

/** Replies to clients that waited are sent when the command that serves them is done. */
export const settle = (): Promise<void> => Bun.sleep(0);

export type Part = string | number | Uint8Array;

/** A server, and clients by number that keep what they are sent. */
export class BlockingScene {
  readonly server: TestServer;
  private readonly clients = new Map<number, TestClient>();

  constructor(options: TestServerOptions = {}) {
    this.server = new TestServer({ shardBytes: 4 << 20, interestBytes: 4 << 20, ...options });
  }

  client(number: number): TestClient {
    let client = this.clients.get(number);
    if (client === undefined) this.clients.set(number, (client = this.server.connect()));
    return client;
  }

  /** Has a client ask for something that it must wait for. */
  block(number: number, ...parts: Part[]): void {
    expect(this.client(number).run(...parts)).toBe('');
    expect(this.client(number).connection.blocked).toBe(true);
  }

  run(...parts: Part[]): string {
    return this.server.run(...parts);
  }

  /** What a client was sent since it asked. */
  async reply(number: number): Promise<string> {
    await settle();
    const { socket } = this.client(number);
    const { output } = socket;
    socket.output = '';
    return output;
  }

  /** Nobody waits any more, and everything is in order. */
  end(): void {
    const { engine } = this.server;
    this.server.verify();
    expect(engine.dispatcher.interests.verify()).toBe(0);
    for (const { heads, head } of engine.keyspace.shards) expect(heads[head + Head.Interests]).toBe(0);
    expect(this.run('INFO', 'clients')).toContain('blocked_clients:0\r\n');
  }
}

/** Bulk strings one after the other. */
export function bulk(...texts: string[]): string {
  return texts.map((text) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`).join('');
}

/** The reply of BLPOP. */
export function pair(key: string, element: string): string {
  return `*2\r\n${bulk(key, element)}`;
}
