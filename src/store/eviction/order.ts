/** In what order keys are evicted: which of them may go at all, and how a record is ranked among those drawn. */
import type { Shard } from '../../memory/shard.ts';
import type { Keyspace } from '../keyspace.ts';
import { expiryAtMs, recordFlags, RecordFlag } from '../record.ts';
import { idleSeconds } from './access.ts';
import type { DensityKeeper } from './hit-density.ts';

export type Ranking = 'idle' | 'frequency' | 'random' | 'expiry' | 'density';

export interface EvictionOrder {
  readonly ranking: Ranking;
  /** Only keys with an expiry go. */
  readonly isVolatile: boolean;
}

/** Whether the order lets the record go. */
export function mayEvict(order: EvictionOrder, shard: Shard, record: number): boolean {
  return !order.isVolatile || (recordFlags(shard, record) & RecordFlag.Expiry) !== 0;
}

/** The greater, the sooner the record goes. */
export function rankOf(keyspace: Keyspace, ranking: Ranking, shard: Shard, record: number): number {
  switch (ranking) {
    case 'idle':
      return idleSeconds(keyspace, shard, record);
    case 'frequency':
      return -keyspace.accessKeeper!.frequency(shard, record);
    case 'expiry':
      return -expiryAtMs(shard, record);
    case 'density':
      return -(keyspace.accessKeeper as DensityKeeper).densityOf(shard, record);
    case 'random':
      return 0;
  }
}
