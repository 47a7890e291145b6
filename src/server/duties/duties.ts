/** A worker's periodic duties: expiry and memory of its home shards, overdue clients, statistics. */
import { openAdvise } from '../../memory/give-back.ts';
import { closeOverdueClients } from '../clients/clients.ts';
import type { Engine } from '../engine.ts';
import { EvictionDuty } from './eviction-duty.ts';
import { ExpiryDuty } from './expiry-duty.ts';
import { GraveyardDuty } from './graveyard-duty.ts';
import { MemoryDuty } from './memory-duty.ts';

const TICK_MS = 100;
const CLIENT_CHECK_TICKS = 10;

/** Starts the duties of `engine`'s worker: shard i belongs to worker i mod N. */
export function startDuties(engine: Engine): void {
  const { keyspace, workerIndex, workerCount } = engine;
  const home = keyspace.shards.filter((shard) => shard.index % workerCount === workerIndex);
  const expiry = new ExpiryDuty(keyspace, home, engine.config.number('databases'));
  const memory = new MemoryDuty(keyspace.shards, home, openAdvise());
  const graveyard = new GraveyardDuty(home, keyspace.counters);
  const eviction = new EvictionDuty(engine.eviction, home, workerIndex === 0 ? engine.control : null);
  keyspace.onBuried = (shard) => graveyard.wake(shard);
  engine.mesh.on('expiry.enable', (enabled) => {
    expiry.enabled = enabled === true;
  });
  engine.mesh.on('memory.purge', () => memory.purge());
  let tickCount = 0;
  setInterval(() => {
    keyspace.setTime(Date.now());
    engine.statistics.sample();
    // Redis: a paused data set does not change by itself either.
    if (engine.dispatcher.pause.untilMs === 0) {
      const started = performance.now();
      expiry.tick();
      engine.slowness.latency.addIfLong('expire-cycle', performance.now() - started);
    }
    graveyard.tick();
    eviction.tick();
    memory.tick();
    if (++tickCount % CLIENT_CHECK_TICKS === 0) closeOverdueClients(engine);
  }, TICK_MS);
}
