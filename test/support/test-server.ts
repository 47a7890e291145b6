/** The server without sockets or threads: one engine, clients whose output is kept, time that the test sets. */

import { ControlBlock } from '../../src/memory/control.ts';
import { createShardHeads, createShardMemory } from '../../src/memory/shard.ts';
import { createTrackingMemory, TrackingBoard } from '../../src/store/tracking-board.ts';
import { Config } from '../../src/server/config/config.ts';
import { type SetRequest, setConfig } from '../../src/server/config/set-config.ts';
import type { ClientSocket } from '../../src/server/clients/connection.ts';
import { Engine } from '../../src/server/engine.ts';
import type { JournalMemory } from '../../src/server/journal/recording.ts';
import { MemcachedConnection } from '../../src/server/memcached/connection.ts';
import { UserKeeper } from '../../src/server/acl/user-keeper.ts';
import { RespConnection } from '../../src/server/clients/resp-connection.ts';

export interface TestServerOptions {
  /** A power of two. */
  readonly shardCount?: number;
  readonly shardBytes?: number;
  readonly interestBytes?: number;
  readonly journal?: JournalMemory;
  /** Settings as in redis.conf, by name. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The largest chunk that a socket delivers. */
const CHUNK_BYTES_MAX = 512 << 10;
const LIMITS = { memoryBytes: 1 << 30, cpuCount: 1 };

/** A client's end of a connection: what the server writes is gathered in `output`. */
export class TestSocket implements ClientSocket {
  output = '';
  ended = false;
  paused = false;
  /** Bytes the socket takes before it is full. */
  room = Infinity;
  /** The client has reset the connection, and the socket has not told. */
  broken = false;
  readonly remoteAddress = '127.0.0.1';

  write(data: string | Bun.BufferSource, at = 0, byteCount = 0): number {
    const bytes = typeof data === 'string' ? Buffer.from(data) : (data as Buffer);
    if (this.broken) return -1;
    const taken = Math.min(byteCount || bytes.length, this.room);
    this.room -= taken;
    this.output += bytes.subarray(at, at + taken).toString('latin1');
    return taken;
  }

  end(data?: string | Bun.BufferSource): number {
    if (data !== undefined) this.write(data);
    this.ended = true;
    return 0;
  }

  terminate(): void {
    this.ended = true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }
}

/** One client of a TestServer. */
export class TestClient {
  readonly socket = new TestSocket();
  readonly connection: RespConnection;

  constructor(engine: Engine, address = '127.0.0.1:1') {
    this.connection = new RespConnection(engine, this.socket, address, '127.0.0.1:2');
  }

  /** Sends raw bytes (latin1) and returns what the server wrote meanwhile, as latin1. */
  send(bytes: string | Buffer): string {
    this.socket.output = '';
    const chunk = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    for (let at = 0; at < chunk.length; at += CHUNK_BYTES_MAX) {
      this.connection.receive(chunk.subarray(at, at + CHUNK_BYTES_MAX));
    }
    return this.socket.output;
  }

  /** Runs one command and returns the raw reply as latin1. Strings are sent as UTF-8. */
  run(...parts: (string | number | Uint8Array)[]): string {
    return this.send(encodeRequest(parts));
  }
}

/** The bytes of a request as every Redis client sends it. */
export function encodeRequest(parts: readonly (string | number | Uint8Array)[]): Buffer {
  const out: Uint8Array[] = [Buffer.from(`*${parts.length}\r\n`)];
  for (const part of parts) {
    const bytes = typeof part === 'object' ? part : Buffer.from(String(part));
    out.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'));
  }
  return Buffer.concat(out);
}

/** One memcached client of a TestServer. */
export class TestMemcachedClient {
  readonly socket = new TestSocket();
  readonly connection: MemcachedConnection;

  constructor(engine: Engine) {
    this.connection = new MemcachedConnection(engine, this.socket, '127.0.0.1:3', '127.0.0.1:4');
  }

  /** Sends raw bytes (latin1) and returns what the server wrote meanwhile, as latin1. */
  send(bytes: string | Buffer): string {
    this.socket.output = '';
    this.connection.receive(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    return this.socket.output;
  }
}

export class TestServer {
  readonly engine: Engine;
  /** The client that `run` uses. */
  readonly client: TestClient;
  /** What the engine shares with other workers about tracking. */
  readonly trackingBoard: TrackingBoard;

  constructor(options: TestServerOptions = {}) {
    const { shardCount = 4, shardBytes = 64 << 20, interestBytes = 16 << 20, settings = {} } = options;
    const config = Config.withDefaults(LIMITS);
    config.assign({ maxmemory: '0', 'enable-debug-command': 'yes', ...settings });
    const keeper = new UserKeeper(config, (change) => this.engine.mesh.askHere('acl.assign', change));
    keeper.start();
    const tracking = createTrackingMemory(1);
    this.trackingBoard = new TrackingBoard(tracking, 0, 1);
    this.engine = new Engine({
      workerIndex: 0,
      control: ControlBlock.create(1, config.number('databases')).memory,
      shards: Array.from({ length: shardCount }, () => createShardMemory(shardBytes)),
      interests: createShardMemory(interestBytes),
      audience: createShardMemory(16 << 20),
      watches: createShardMemory(16 << 20),
      tracking,
      shardHeads: createShardHeads(shardCount + 3),
      hashKey: { k0: 1, k1: 2 },
      config: config.toJSON(),
      ...(options.journal === undefined ? {} : { journal: options.journal }),
      runId: '0'.repeat(40),
      users: keeper.users.texts(),
    });
    // Every reply is there when `receive` returns.
    this.engine.outbox.schedule = (run) => run();
    const { mesh } = this.engine;
    mesh.on('config.set', (request) =>
      setConfig(config, request as SetRequest, async (changed) => {
        await mesh.askHere('config.assign', changed);
        if ('requirepass' in changed) await keeper.passwordChanged();
      }),
    );
    keeper.serve(mesh);
    this.client = this.connect();
  }

  connect(address?: string): TestClient {
    return new TestClient(this.engine, address);
  }

  connectMemcached(): TestMemcachedClient {
    return new TestMemcachedClient(this.engine);
  }

  /** Runs one command of the default client and returns the raw reply. */
  run(...parts: (string | number | Uint8Array)[]): string {
    return this.client.run(...parts);
  }

  /** Walks every shard and asserts every invariant. */
  verify(): void {
    const { keyspace } = this.engine;
    for (const shard of keyspace.shards) keyspace.verifyShard(shard);
    this.engine.dispatcher.interests.verify();
    this.engine.transactions.verify();
    this.engine.tracking.verify();
    let listeners = 0;
    for (const { subscriptions } of this.engine.clients.values()) {
      for (const { size } of subscriptions?.bySubject ?? []) listeners += size;
    }
    if (this.engine.pubsub.verify() !== listeners) throw new Error('who listens is not counted right');
  }
}
