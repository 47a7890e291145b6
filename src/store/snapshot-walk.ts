/**
 * Which records a snapshot under way has still to see, and the walk over them. A snapshot is every record of one moment.
 * At that moment, under all locks, the epoch of every shard is raised; then the shards are walked in the order of the
 * hashes, a slice per lock hold. Whoever is about to change or remove a record that the walk has not come to hands it on
 * first (Keyspace.find). So each record is seen once, as it was at that moment, and nothing is copied but what is seen.
 *
 *  Head.Walk: 0 = no snapshot has anything left to see in this shard; else 1 + the first hash not yet walked
 *  Head.Epoch: 8 bits. A record that has another epoch has not been seen; one that was made since has this one.
 *
 *  Wrapping: every walk goes to the end and gives each record it passes its epoch, also when its snapshot is given up. So
 *  between two snapshots all records have the same epoch, and the next one differs from it, though it be the 256th.
 *  Lock: all of it under the shard's.
 */
import { Head, type Shard } from '../memory/shard.ts';
import { collectEntries } from '../structures/table.ts';
import { recordEpoch, setRecordEpoch } from './record.ts';

/** Takes the content of records for a snapshot. Must not throw: the command that changes them goes on. */
export interface Preserver {
  preserve(shard: Shard, record: number): void;
}

const EPOCH_MASK = 0xff;
/** Hashes have 31 bits. */
const HASH_MASK = 0x7fffffff;
/** Entries taken out of the table at once. Few, so that a slice can end soon. */
const BATCH_ENTRIES = 16;
const scratchEntries: number[] = [];

/** Begins a walk of the shard: the records there are now are those to be seen. No walk is under way in it. */
export function beginWalk(shard: Shard): void {
  const { heads, head } = shard;
  heads[head + Head.Epoch] = (heads[head + Head.Epoch]! + 1) & EPOCH_MASK;
  heads[head + Head.Walk] = heads[head + Head.Table] === 0 ? 0 : 1;
}

/** Whether a walk is under way that has not seen the record of this hash. */
export function isOutstanding(shard: Shard, hash: number, record: number): boolean {
  const { heads, head } = shard;
  const walk = heads[head + Head.Walk]!;
  if (walk === 0 || hash < ((walk - 1) & HASH_MASK)) return false;
  return recordEpoch(shard, record) !== heads[head + Head.Epoch];
}

/** Whether the walk of the shard has something left to see. */
export function isWalking(shard: Shard): boolean {
  return shard.heads[shard.head + Head.Walk] !== 0;
}

/**
 * Goes on with the walk and has `see` look at each record that has not been seen, until `isOver` says so after a record, or the
 * shard ends. Returns how many records were seen.
 */
export function walkSlice(
  shard: Shard,
  see: (shard: Shard, record: number) => void,
  isOver: () => boolean,
): number {
  const { heads, head } = shard;
  const entries = scratchEntries;
  const epoch = heads[head + Head.Epoch]!;
  const table = heads[head + Head.Table]!;
  let next = table === 0 ? -1 : (heads[head + Head.Walk]! - 1) & HASH_MASK;
  let count = 0;
  let isEnding = false;
  while (next >= 0 && !isEnding) {
    entries.length = 0;
    next = collectEntries(shard, table, next, BATCH_ENTRIES, entries);
    for (let i = 0; i < entries.length; i += 2) {
      const hash = entries[i]!;
      // A place in the order is between two hashes: all records of one are seen in one slice.
      if (isEnding && hash !== entries[i - 2]) {
        next = hash;
        break;
      }
      const record = entries[i + 1]!;
      if (recordEpoch(shard, record) === epoch) continue;
      see(shard, record);
      setRecordEpoch(shard, record, epoch);
      count++;
      isEnding ||= isOver();
    }
    // A run of records that have been seen is to end as well.
    isEnding ||= isOver();
  }
  heads[head + Head.Walk] = next < 0 ? 0 : (next + 1) | 0;
  return count;
}
