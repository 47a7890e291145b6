/** What owners of a table ask of it beside a find: where a block stands in it, and all blocks there are. Its layout is told in table.ts. */
import { assert } from '../base/assert.ts';
import type { Shard } from '../memory/shard.ts';
import { collectEntries, findSlot, nextSlot, slotRef } from './table.ts';

const WALK_ENTRIES = 256;

/** The slot that refers to block `ref`, which was entered under `hash`. It must be there. */
export function slotOfRef(shard: Shard, table: number, hash: number, ref: number): number {
  let slot = findSlot(shard, table, hash);
  while (slotRef(shard, slot) !== ref) {
    slot = nextSlot(shard, slot, hash);
    assert(slot !== 0, 'table: block not in it');
  }
  return slot;
}

/** All blocks of a table, which may be 0: none was made yet. For tables that are small, or walked for a check. */
export function allRefs(shard: Shard, table: number): number[] {
  const refs: number[] = [];
  const entries: number[] = [];
  for (let hash = table === 0 ? -1 : 0; hash >= 0;) {
    entries.length = 0;
    hash = collectEntries(shard, table, hash, WALK_ENTRIES, entries);
    for (let i = 1; i < entries.length; i += 2) refs.push(entries[i]!);
  }
  return refs;
}
