/**
 * Commands that walk the keys of a database: KEYS, SCAN, RANDOMKEY. They visit a shard in slices, each under its lock
 * for about 0.1 ms, in the order of the hashes of its keys, so what is there all the time is met exactly once.
 */
import { globMatch } from '../../base/glob.ts';
import type { Shard } from '../../memory/shard.ts';
import { keyAt, keyBytes } from '../../store/record.ts';
import { collectRecords, randomRecord, randomShard } from '../../store/walking.ts';
import { type Call, Flag, Route, type Row } from '../row.ts';
import {
  INVALID_CURSOR,
  parseCursor,
  parseScanOptions,
  patternArgument,
  type ScanOptions,
  ScanWord,
} from '../scan-options.ts';
import { typeName } from '../value-names.ts';

export const scanRows: readonly Row[] = [
  {
    name: 'KEYS',
    since: '1.0.0',
    arity: 2,
    flags: Flag.ReadOnly,
    acl: ['keyspace', 'dangerous'],
    route: Route.Each,
    tips: ['REQUEST_POLICY:ALL_SHARDS', 'NONDETERMINISTIC_OUTPUT_ORDER'],
    summary: 'Lists the keys that match a pattern.',
    run: keysCommand,
  },
  {
    name: 'SCAN',
    since: '2.8.0',
    arity: -2,
    flags: Flag.ReadOnly | Flag.TouchesArbitraryKeys,
    acl: ['keyspace'],
    route: Route.Each,
    tips: ['NONDETERMINISTIC_OUTPUT', 'REQUEST_POLICY:SPECIAL', 'RESPONSE_POLICY:SPECIAL'],
    summary: 'Lists the keys of a database part by part.',
    run: scanCommand,
  },
  {
    name: 'RANDOMKEY',
    since: '1.0.0',
    arity: 1,
    flags: Flag.ReadOnly | Flag.TouchesArbitraryKeys,
    acl: ['keyspace'],
    route: Route.Each,
    tips: ['REQUEST_POLICY:ALL_SHARDS', 'RESPONSE_POLICY:SPECIAL', 'NONDETERMINISTIC_OUTPUT'],
    summary: 'Tells a key chosen at random.',
    run: randomKeyCommand,
  },
];

/** Entries looked at under one hold of a lock. */
const SLICE_ENTRIES = 512;
/** A SCAN that meets no key of its database looks at this many entries of others, at least, before it replies. */
const SCAN_ENTRIES_MIN = 4096;
/** Redis: SCAN gives up after ten times COUNT. */
const SCAN_EFFORT = 10;
/** Positions in a shard: the hashes its table is ordered by. */
const SHARD_SPAN = 2 ** 31;

const scratchRecords: number[] = [];

/**
 * Runs `visit` for the live keys among about `entryCount` entries of a shard, from the hash `fromHash` on. Returns the
 * hash to go on from, or -1 at the end of the shard.
 */
function visitSlice(
  call: Call,
  shardIndex: number,
  fromHash: number,
  entryCount: number,
  visit: (shard: Shard, record: number) => void,
): number {
  let next = -1;
  call.withShard(shardIndex, (shard) => {
    scratchRecords.length = 0;
    next = collectRecords(call.keyspace, shard, call.database, fromHash, entryCount, scratchRecords);
    for (let i = 0; i < scratchRecords.length; i++) visit(shard, scratchRecords[i]!);
  });
  return next;
}

function replyKey(call: Call, shard: Shard, record: number): void {
  call.reply.bulk(shard.bytes, keyAt(shard, record), keyBytes(shard, record));
}

/** Whether a record's key matches argument `patternIndex` (0: no pattern). */
function matches(call: Call, patternIndex: number, shard: Shard, record: number): boolean {
  if (patternIndex === 0) return true;
  const start = call.args[patternIndex * 2]!;
  const end = start + call.args[patternIndex * 2 + 1]!;
  const at = keyAt(shard, record);
  return globMatch(call.source.u8, start, end, shard.bytes.u8, at, at + keyBytes(shard, record), false);
}

function keysCommand(call: Call): void {
  const { reply, keyspace } = call;
  const pattern = patternArgument(call, 1);
  const start = reply.at;
  let count = 0;
  const visit = (shard: Shard, record: number): void => {
    if (!matches(call, pattern, shard, record)) return;
    replyKey(call, shard, record);
    count++;
  };
  for (let index = 0; index < keyspace.shards.length; index++) {
    for (let hash = 0; hash >= 0;) hash = visitSlice(call, index, hash, SLICE_ENTRIES, visit);
  }
  reply.before(start, () => reply.array(count));
}

function scanCommand(call: Call): void {
  const cursor = parseCursor(call, 1);
  if (cursor < 0) return call.reply.error(INVALID_CURSOR);
  const options = parseScanOptions(call, 2, ScanWord.Type);
  if (options !== null) scan(call, cursor, options);
}

/**
 * Visits about COUNT keys from the position `cursor` = shard x 2^31 + hash on and replies the position behind them.
 * Nothing is kept between calls: splits, growth and removals do not change the order of the hashes.
 */
function scan(call: Call, cursor: number, options: ScanOptions): void {
  const { reply, keyspace } = call;
  const start = reply.at;
  const shardCount = keyspace.shards.length;
  const entriesMax = Math.max(SCAN_ENTRIES_MIN, options.count * SCAN_EFFORT);
  let shardIndex = Math.floor(cursor / SHARD_SPAN);
  let hash = cursor % SHARD_SPAN;
  let seen = 0;
  let matched = 0;
  const visit = (shard: Shard, record: number): void => {
    seen++;
    if (!matches(call, options.patternIndex, shard, record)) return;
    if (options.typeName !== '' && typeName(shard, record) !== options.typeName) return;
    replyKey(call, shard, record);
    matched++;
  };
  for (let looked = 0; shardIndex < shardCount && seen < options.count && looked < entriesMax;) {
    // Where other databases' keys stand in between, ever more are looked at until one of this database is met.
    const wanted = seen === 0 ? Math.max(options.count, looked) : options.count - seen;
    const entryCount = Math.min(wanted, SLICE_ENTRIES);
    hash = visitSlice(call, shardIndex, hash, entryCount, visit);
    looked += entryCount;
    if (hash >= 0) continue;
    hash = 0;
    shardIndex++;
  }
  const next = shardIndex >= shardCount ? 0 : shardIndex * SHARD_SPAN + hash;
  reply.before(start, () => {
    reply.array(2);
    reply.bulkText(String(next));
    reply.array(matched);
  });
}

/** A shard is chosen by its share of the database's keys, then a key in it; only when that fails shards are walked. */
function randomKeyCommand(call: Call): void {
  const { keyspace, reply } = call;
  const start = reply.at;
  const first = randomShard(keyspace, call.database);
  call.withShard(first, (shard) => {
    const record = randomRecord(keyspace, shard, call.database);
    if (record !== 0) replyKey(call, shard, record);
  });
  const visit = (shard: Shard, record: number): void => {
    if (reply.at === start) replyKey(call, shard, record);
  };
  const shardCount = keyspace.shards.length;
  // From a random place of the first shard on and at last from its start, so that with few keys among many of other
  // databases each has a chance.
  for (let step = 0; step <= shardCount && reply.at === start; step++) {
    let hash = step === 0 ? Math.floor(Math.random() * SHARD_SPAN) : 0;
    while (hash >= 0 && reply.at === start) {
      hash = visitSlice(call, (first + step) % shardCount, hash, SLICE_ENTRIES, visit);
    }
  }
  if (reply.at === start) reply.nil();
}
