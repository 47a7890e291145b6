/** Sorted sets as the RDB format has them: packed ones as a listpack of members and scores, others with binary doubles. */
import { Bytes } from '../../base/bytes.ts';
import { DOUBLE_BYTES_MAX, writeDouble } from '../../base/double.ts';
import type { Shard } from '../../memory/shard.ts';
import { valueAt, valueBytes } from '../../store/record.ts';
import { isPacked, sortedSetLength } from '../../store/sorted-set/sorted-set.ts';
import { SortedSetWalk } from '../../store/sorted-set/walk.ts';
import {
  behindPackedScore,
  firstPacked,
  packedScoreAt,
  readPackedScore,
} from '../../structures/sorted-set/packed-scores.ts';
import { ListpackWriter } from './listpack-writer.ts';
import type { RdbOutput } from './output.ts';

const scratchListpack = new ListpackWriter();
const scratchDigits = Bytes.allocate(DOUBLE_BYTES_MAX + 8);
const scratchWalk = new SortedSetWalk();

export function writeSortedSet(out: RdbOutput, shard: Shard, record: number): void {
  if (isPacked(shard, record)) return writePacked(out, shard, record);
  const count = sortedSetLength(shard, record);
  const { text } = scratchWalk;
  out.length(count);
  // From the greatest down, as Redis does: it enters the next one at the head then.
  scratchWalk.begin(shard, record, count - 1, count, true);
  while (scratchWalk.next()) {
    out.text(text.bytes, text.at, text.byteCount);
    out.double(scratchWalk.score);
  }
}

function writePacked(out: RdbOutput, shard: Shard, record: number): void {
  const { bytes } = shard;
  const at = valueAt(shard, record);
  const end = at + valueBytes(shard, record);
  scratchListpack.begin();
  for (let entry = firstPacked(at); entry < end;) {
    const scoreAt = packedScoreAt(bytes, entry);
    const digitsEnd = writeDouble(scratchDigits.u8, 0, readPackedScore(bytes, scoreAt));
    scratchListpack.entry(bytes, entry);
    scratchListpack.text(scratchDigits, 0, digitsEnd);
    entry = behindPackedScore(bytes, scoreAt);
  }
  scratchListpack.finish(out);
}
