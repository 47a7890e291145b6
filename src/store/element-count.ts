/** How many elements a value has that clients may wait for. */
import type { Shard } from '../memory/shard.ts';
import { listLength } from './list/list.ts';
import { recordType, ValueType } from './record.ts';
import { sortedSetLength } from './sorted-set/sorted-set.ts';

/** Elements of the list or sorted set of a record; 0 for other types, which nobody waits for. */
export function elementCount(shard: Shard, record: number): number {
  switch (recordType(shard, record)) {
    case ValueType.List:
      return listLength(shard, record);
    case ValueType.SortedSet:
      return sortedSetLength(shard, record);
    default:
      return 0;
  }
}
