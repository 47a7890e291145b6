/** A worker's periodic duties: expiry and memory of its home shards, overdue clients, statistics. */
import { openAdvise } from '../../memory/give-back.ts';
import { closeOverdueClients } from '../clients/clients.ts';
import type { Engine } from '../engine.ts';
import { DefragmentDuty, type DefragmentSettings } from './defragment-duty.ts';
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
  const defragment = new DefragmentDuty(keyspace, home, defragmentSettings(engine));
  engine.whenConfigured(() => (defragment.settings = defragmentSettings(engine)));
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
    // A stream that somebody waits for may have been among them.
    engine.dispatcher.serveReady();
    graveyard.tick();
    eviction.tick();
    defragment.tick();
    memory.tick();
    if (++tickCount % CLIENT_CHECK_TICKS === 0) closeOverdueClients(engine);
  }, TICK_MS);
}

function defragmentSettings({ config }: Engine): DefragmentSettings {
  return {
    isOn: config.flag('activedefrag'),
    lowerPercent: config.number('active-defrag-threshold-lower'),
    upperPercent: config.number('active-defrag-threshold-upper'),
    cycleMinPercent: config.number('active-defrag-cycle-min'),
    cycleMaxPercent: config.number('active-defrag-cycle-max'),
    ignoreBytes: config.number('active-defrag-ignore-bytes'),
  };
}
