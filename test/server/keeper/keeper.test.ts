/** The keeper's rooms: configuration that reaches it, and an orderly end. */
import { expect, test } from 'bun:test';
import { ControlBlock } from '../../../src/memory/control.ts';
import { createRingMemory } from '../../../src/memory/journal-ring.ts';
import { createJournalState } from '../../../src/memory/journal-state.ts';
import { createShardHeads, createShardMemory } from '../../../src/memory/shard.ts';
import { Config } from '../../../src/server/config/config.ts';
import { Keeper } from '../../../src/server/keeper/keeper.ts';
import { Mesh } from '../../../src/server/mesh.ts';

function openKeeper(): { keeper: Keeper; ask: (topic: string, payload: unknown) => Promise<unknown> } {
  const keeper = new Keeper({
    control: ControlBlock.create(1, 16).memory,
    shards: [createShardMemory(16 << 20)],
    shardHeads: createShardHeads(4),
    hashKey: { k0: 1, k1: 2 },
    config: Config.withDefaults({ memoryBytes: 1 << 30, cpuCount: 1 }).toJSON(),
    journal: { state: createJournalState(), rings: [createRingMemory(4096)] },
    runId: '0'.repeat(40),
  });
  const [main, worker] = [new MessageChannel(), new MessageChannel()];
  keeper.connect([worker.port2], main.port2);
  const mesh = new Mesh();
  mesh.connect(main.port1);
  for (const { port1, port2 } of [main, worker]) {
    for (const port of [port1, port2]) {
      port.start();
      port.unref();
    }
  }
  return { keeper, ask: (topic, payload) => mesh.ask(main.port1, topic, payload) };
}

test('a setting that main has changed is in force in the keeper', async () => {
  const { keeper, ask } = openKeeper();
  const told: string[] = [];
  keeper.whenConfigured((names) => told.push(...names));
  await ask('config.assign', { loglevel: 'warning' });
  expect(keeper.config.text('loglevel')).toBe('warning');
  expect(told).toEqual(['loglevel']);
});

test('a stop is answered when everything that was to be done has been, in order', async () => {
  const { keeper, ask } = openKeeper();
  const done: string[] = [];
  keeper.whenStopped(async () => {
    await Bun.sleep(20);
    done.push('first');
  });
  keeper.whenStopped(async () => {
    done.push('second');
  });
  await ask('keeper.stop', null);
  expect(done).toEqual(['first', 'second']);
});
