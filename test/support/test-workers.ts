/** Several workers' engines in this one thread, which share their memory and talk over real ports: what passes between
 *  workers, without races. */

import { ControlBlock } from '../../src/memory/control.ts';
import { createShardHeads, createShardMemory } from '../../src/memory/shard.ts';
import { SCRIPT_MEMORY_BYTES } from '../../src/scripting/scripts.ts';
import { densityMemoryBytes } from '../../src/store/eviction/hit-density.ts';
import { createTrackingMemory } from '../../src/store/tracking-board.ts';
import { Config } from '../../src/server/config/config.ts';
import { Engine } from '../../src/server/engine.ts';
import { TestClient } from './test-server.ts';

const SHARD_COUNT = 4;
const SHARD_BYTES = 16 << 20;
const LIMITS = { memoryBytes: 1 << 30, cpuCount: 1 };

export class TestWorkers {
  readonly engines: readonly Engine[];
  private readonly channels: MessageChannel[] = [];

  constructor(workerCount: number) {
    const config = Config.withDefaults(LIMITS);
    config.assign({ maxmemory: '0', 'enable-debug-command': 'yes' });
    const common = {
      control: ControlBlock.create(workerCount, config.number('databases')).memory,
      shards: Array.from({ length: SHARD_COUNT }, () => createShardMemory(SHARD_BYTES)),
      interests: createShardMemory(SHARD_BYTES),
      scripts: new SharedArrayBuffer(SCRIPT_MEMORY_BYTES),
      uses: new SharedArrayBuffer(densityMemoryBytes(workerCount)),
      audience: createShardMemory(SHARD_BYTES),
      watches: createShardMemory(SHARD_BYTES),
      tracking: createTrackingMemory(workerCount),
      shardHeads: createShardHeads(SHARD_COUNT + 3),
      hashKey: { k0: 1, k1: 2 },
      config: config.toJSON(),
      runId: '0'.repeat(40),
      users: [],
    };
    this.engines = Array.from(
      { length: workerCount },
      (_, workerIndex) => new Engine({ ...common, workerIndex }),
    );
    this.introduce();
  }

  private introduce(): void {
    const count = this.engines.length;
    const ports = this.engines.map(() => Array.from({ length: count }, (): MessagePort | null => null));
    for (let a = 0; a < count; a++) {
      for (let b = a + 1; b < count; b++) {
        const channel = new MessageChannel();
        this.channels.push(channel);
        ports[a]![b] = channel.port1;
        ports[b]![a] = channel.port2;
      }
    }
    const main = new MessageChannel();
    this.channels.push(main);
    this.engines.forEach((engine, index) => {
      engine.connect(ports[index]!, main.port1);
      for (const port of ports[index]!) port?.start();
    });
  }

  connect(worker: number): TestClient {
    return new TestClient(this.engines[worker]!);
  }

  /** Walks every shard and the interest table. */
  verify(): void {
    const { keyspace, dispatcher } = this.engines[0]!;
    for (const shard of keyspace.shards) keyspace.verifyShard(shard);
    dispatcher.interests.verify();
  }

  /** Closes the ports, which would keep the process alive. */
  close(): void {
    for (const { port1, port2 } of this.channels) {
      port1.close();
      port2.close();
    }
  }
}
