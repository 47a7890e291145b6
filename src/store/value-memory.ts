/** What a key and its value take. */
import type { Shard } from '../memory/shard.ts';
import { isRooted, recordBlockBytes, recordEncoding, rootOf } from './record.ts';
import { structureKind } from './structure-kinds.ts';

/** Bytes of all blocks of a record and its value. Walks the blocks of a large value: O(blocks). */
export function valueMemoryBytes(shard: Shard, record: number): number {
  const own = recordBlockBytes(shard, record);
  const encoding = recordEncoding(shard, record);
  if (!isRooted(encoding)) return own;
  return own + structureKind(encoding).bytesUsed(shard, rootOf(shard, record));
}
