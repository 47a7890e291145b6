/** Eviction as the configuration wants it: which keys go, how accesses are kept, and how long it may take. */
import type { ControlBlock } from '../../memory/control.ts';
import { type AccessKeeper, FrequencyKeeper } from '../../store/eviction/access.ts';
import { Evictor } from '../../store/eviction/evictor.ts';
import { DensityKeeper, densityMemoryBytes } from '../../store/eviction/hit-density.ts';
import type { EvictionOrder, Ranking } from '../../store/eviction/order.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import type { Config } from '../config/config.ts';
import { MemoryGuard } from './memory-guard.ts';

const RANKINGS: ReadonlyMap<string, Ranking> = new Map([
  ['lru', 'idle'],
  ['lfu', 'frequency'],
  ['random', 'random'],
  ['ttl', 'expiry'],
]);

/** What `maxmemory-policy` says. Null: nothing is evicted. */
export function orderOf(policy: string): EvictionOrder | null {
  const [keys, word = ''] = policy.split('-');
  const ranking = RANKINGS.get(word);
  return ranking === undefined ? null : { ranking, isVolatile: keys === 'volatile' };
}

/** Time that a command may go on evicting, in ms. Redis' evictionTimeLimitUs. */
export function patienceOf(tenacity: number): number {
  if (tenacity >= 100) return Infinity;
  return tenacity <= 10 ? tenacity * 0.05 : 0.5 * 1.15 ** (tenacity - 10);
}

export class Eviction {
  readonly guard: MemoryGuard;
  private readonly keyspace: Keyspace;
  private readonly evictor: Evictor;
  private readonly frequency = new FrequencyKeeper();
  private readonly density: DensityKeeper;

  /** `memory` is what workers share about uses; a worker alone makes its own. */
  constructor(
    keyspace: Keyspace,
    control: ControlBlock,
    workerIndex: number,
    memory: SharedArrayBuffer | undefined,
    pause: { readonly untilMs: number },
  ) {
    this.keyspace = keyspace;
    this.evictor = new Evictor(keyspace);
    const uses = memory ?? new SharedArrayBuffer(densityMemoryBytes(1));
    this.density = new DensityKeeper(keyspace.shards, uses, memory === undefined ? 0 : workerIndex);
    this.guard = new MemoryGuard(keyspace, this.evictor, control, pause);
  }

  configure(config: Config): void {
    const { keyspace, frequency, density } = this;
    const isCache = config.flag('cache-mode');
    const order: EvictionOrder | null = isCache
      ? { ranking: 'density', isVolatile: false }
      : orderOf(config.text('maxmemory-policy'));
    frequency.logFactor = config.number('lfu-log-factor');
    frequency.decayMinutes = config.number('lfu-decay-time');
    let keeper: AccessKeeper | null = null;
    if (isCache) keeper = density;
    else if (order?.ranking === 'frequency') keeper = frequency;
    keyspace.accessKeeper = keeper;
    keyspace.setTime(keyspace.nowMs);
    this.evictor.configure(
      order,
      config.number('maxmemory-samples'),
      config.number('databases'),
      isCache ? () => density.nextNewcomer() : null,
    );
    this.guard.patienceMs = patienceOf(config.number('maxmemory-eviction-tenacity'));
    this.guard.configure(config.number('maxmemory'));
  }

  /** Whether keys that were evicted are remembered. */
  get hasGhosts(): boolean {
    return this.keyspace.accessKeeper === this.density;
  }
}
