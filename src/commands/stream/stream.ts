/** Streams: entries added, counted, listed, deleted. The rest of the family is in the files it concatenates here. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { rootOf, ValueType } from '../../store/record.ts';
import { trimWith } from '../../store/stream/references.ts';
import { addEntry } from '../../store/stream/stream.ts';
import { compareIds, StreamId } from '../../structures/stream/stream-id.ts';
import {
  deleteEntry,
  lastLiveId,
  readStreamId,
  setEntriesAdded,
  setLastId,
  Stream,
  streamLength,
  writeStreamId,
} from '../../structures/stream/stream-log.ts';
import { fieldBytes } from '../../structures/stream/stream-node.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { NO_SUCH_KEY, NOT_AN_INTEGER, OUT_OF_MEMORY, SYNTAX_ERROR, wrongArity } from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findTyped } from '../typed-value.ts';
import {
  idArgument,
  integerArgument,
  intervalArgument,
  NO_STREAM,
  readStream,
  Sequence,
} from './arguments.ts';
import { trimEffect } from './effects.ts';
import { replyId, replyRange } from './entries.ts';
import { deleteReferencesRows } from './delete-references.ts';
import { groupRows } from './group.ts';
import { infoRows } from './info.ts';
import { nackRows } from './nack.ts';
import { pendingRows } from './pending.ts';
import { readRows } from './read.ts';
import { parseTrimOptions, TrimOptions } from './trim-options.ts';

const ACL = ['stream'];
const READ_KEY = [key(1, KeyFlag.ReadOnly | KeyFlag.Access)];
const NONDETERMINISTIC = ['NONDETERMINISTIC_OUTPUT'];

const entryRows: readonly Row[] = [
  {
    name: 'XADD',
    since: '5.0.0',
    arity: -5,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ACL,
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    tips: NONDETERMINISTIC,
    summary: 'Appends an entry to a stream, which may be trimmed.',
    run: xaddCommand,
    effect: trimEffect,
  },
  {
    name: 'XLEN',
    since: '5.0.0',
    arity: 2,
    flags: Flag.ReadOnly | Flag.Fast,
    acl: ACL,
    keys: [key(1, KeyFlag.ReadOnly)],
    summary: 'Counts the entries of a stream.',
    run: xlenCommand,
  },
  {
    name: 'XRANGE',
    since: '5.0.0',
    arity: -4,
    flags: Flag.ReadOnly,
    acl: ACL,
    keys: READ_KEY,
    summary: 'Returns the entries of a stream between two ids.',
    run: (call) => rangeCommand(call, false),
  },
  {
    name: 'XREVRANGE',
    since: '5.0.0',
    arity: -4,
    flags: Flag.ReadOnly,
    acl: ACL,
    keys: READ_KEY,
    summary: 'Returns the entries of a stream between two ids, the last one first.',
    run: (call) => rangeCommand(call, true),
  },
  {
    name: 'XDEL',
    since: '5.0.0',
    arity: -3,
    flags: Flag.Write | Flag.Fast,
    acl: ACL,
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    summary: 'Deletes entries of a stream.',
    run: xdelCommand,
  },
  {
    name: 'XTRIM',
    since: '5.0.0',
    arity: -4,
    flags: Flag.Write,
    acl: ACL,
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Delete)],
    tips: NONDETERMINISTIC,
    summary: 'Deletes the oldest entries of a stream.',
    run: xtrimCommand,
    effect: trimEffect,
  },
  {
    name: 'XSETID',
    since: '5.0.0',
    arity: -3,
    flags: Flag.Write | Flag.DenyOom | Flag.Fast,
    acl: ACL,
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    summary: 'Sets the last id of a stream, and what else is only known to it.',
    run: xsetidCommand,
  },
];

export const streamFamily: Family = {
  group: 'stream',
  rows: [
    ...entryRows,
    ...readRows,
    ...groupRows,
    ...pendingRows,
    ...nackRows,
    ...deleteReferencesRows,
    ...infoRows,
  ],
};

/** Redis: an entry of more bytes does not fit a node. */
const ENTRY_BYTES_MAX = 1 << 30;
const NOT_ABOVE = 'ERR The ID specified in XADD is equal or smaller than the target stream top item';
const scratchOptions = new TrimOptions();
const scratchId = new StreamId();
const scratchOther = new StreamId();
const scratchInteger = new Int64();
const scratchFields = {
  source: null as never as Call['source'],
  args: new Int32Array(0) as Int32Array,
  first: 0,
  count: 0,
};

/** Hot. */
function xaddCommand(call: Call): void {
  const { key, keyspace, reply, count } = call;
  const options = scratchOptions;
  const idIndex = parseTrimOptions(call, true, options);
  if (idIndex < 0) return;
  const first = idIndex + 1;
  if (count - first < 2 || (count - first) % 2 === 1) return wrongArity(reply, 'xadd');
  if (options.sequence === Sequence.Given && options.id.isZero) {
    return reply.error('ERR The ID specified in XADD must be greater than 0-0');
  }
  const record = findTyped(call, key, ValueType.Stream);
  if (record < 0) return;
  if (record === 0 && options.noCreate) return reply.nil();
  scratchId.setZero();
  if (record !== 0) readStreamId(key.shard, rootOf(key.shard, record), Stream.LastId, scratchId);
  if (scratchId.isMax) {
    return reply.error('ERR The stream has exhausted the last possible ID, unable to add more items');
  }
  if (!chooseId(options, scratchId, keyspace.nowMs)) return reply.error(NOT_ABOVE);
  const fields = scratchFields;
  fields.source = call.source;
  fields.args = call.args;
  fields.first = first;
  fields.count = (count - first) >> 1;
  if (fieldBytes(fields) > ENTRY_BYTES_MAX) return reply.error('ERR Elements are too large to be stored');
  const root = addEntry(keyspace, key, scratchId, fields);
  if (root === 0) return reply.error(OUT_OF_MEMORY);
  if (options.hasTrim) trimWith(key.shard, root, options, options.references);
  keyspace.touched(key);
  replyId(reply, scratchId);
}

/** Makes `id`, which is the last one, that of the next entry. False: the one asked for is not above it. */
function chooseId(options: TrimOptions, id: StreamId, nowMs: number): boolean {
  const asked = options.id;
  if (options.sequence === Sequence.Invalid) {
    scratchOther.setMs(nowMs);
    if (
      compareIds(scratchOther, id) > 0 &&
      (scratchOther.msHi !== id.msHi || scratchOther.msLo !== id.msLo)
    ) {
      id.set(scratchOther);
    } else id.increment();
    return true;
  }
  if (options.sequence === Sequence.Open && asked.msHi === id.msHi && asked.msLo === id.msLo) {
    if ((id.seqHi & id.seqLo) === -1) return false;
    return id.increment();
  }
  if (compareIds(asked, id) <= 0) return false;
  id.set(asked);
  return true;
}

function xlenCommand(call: Call): void {
  const root = readStream(call, call.key);
  if (root === NO_STREAM) return;
  call.reply.integer(root === 0 ? 0 : streamLength(call.key.shard, root));
}

function rangeCommand(call: Call, isBackward: boolean): void {
  const { reply, key } = call;
  const startIndex = isBackward ? 3 : 2;
  if (!intervalArgument(call, startIndex, true, scratchId)) return;
  if (!intervalArgument(call, 5 - startIndex, false, scratchOther)) return;
  let countMax = Infinity;
  for (let index = 4; index < call.count; index += 2) {
    if (index + 1 >= call.count || !isWord(call, index, 'COUNT')) return reply.error(SYNTAX_ERROR);
    countMax = integerArgument(call, index + 1);
    if (countMax !== countMax) return;
    if (countMax < 0) countMax = 0;
  }
  const root = readStream(call, key);
  if (root === NO_STREAM) return;
  if (root === 0) return reply.array(0);
  if (countMax === 0) return reply.nilArray();
  replyRange(reply, key.shard, root, scratchId, scratchOther, countMax, isBackward);
}

function xdelCommand(call: Call): void {
  const { key, reply, count } = call;
  const record = findTyped(call, key, ValueType.Stream);
  if (record < 0) return;
  if (record === 0) return reply.integer(0);
  for (let index = 2; index < count; index++) if (!idArgument(call, index, scratchId)) return;
  const root = rootOf(key.shard, record);
  let deleted = 0;
  for (let index = 2; index < count; index++) {
    idArgument(call, index, scratchId);
    if (deleteEntry(key.shard, root, scratchId)) deleted++;
  }
  if (deleted > 0) call.keyspace.touched(key);
  reply.integer(deleted);
}

function xtrimCommand(call: Call): void {
  const { key, reply } = call;
  if (parseTrimOptions(call, false, scratchOptions) < 0) return;
  const record = findTyped(call, key, ValueType.Stream);
  if (record < 0) return;
  if (record === 0) return reply.integer(0);
  const removed = trimWith(key.shard, rootOf(key.shard, record), scratchOptions, scratchOptions.references);
  if (removed > 0) call.keyspace.touched(key);
  reply.integer(removed);
}

function xsetidCommand(call: Call): void {
  const { key, reply, count } = call;
  if (!idArgument(call, 2, scratchId)) return;
  const maxDeleted = scratchOther;
  maxDeleted.setZero();
  let added = -1;
  for (let index = 3; index < count; index += 2) {
    const hasMore = index + 1 < count;
    if (hasMore && isWord(call, index, 'ENTRIESADDED')) {
      if (!parseInt64Argument(call, index + 1, scratchInteger)) return reply.error(NOT_AN_INTEGER);
      added = int64ToNumber(scratchInteger);
      if (added < 0) return reply.error('ERR entries_added must be positive');
    } else if (hasMore && isWord(call, index, 'MAXDELETEDID')) {
      if (!idArgument(call, index + 1, maxDeleted)) return;
      if (compareIds(scratchId, maxDeleted) < 0) {
        return reply.error(
          'ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id',
        );
      }
    } else return reply.error(SYNTAX_ERROR);
  }
  const record = findTyped(call, key, ValueType.Stream);
  if (record < 0) return;
  if (record === 0) return reply.error(NO_SUCH_KEY);
  const error = checkLastId(call, rootOf(key.shard, record), added, maxDeleted);
  if (error !== '') return reply.error(error);
  call.keyspace.touched(key);
  reply.ok();
}

/** Sets the last id to `scratchId`. Returns what speaks against it, or ''. */
function checkLastId(call: Call, root: number, added: number, maxDeleted: StreamId): string {
  const { shard } = call.key;
  const other = new StreamId();
  if (streamLength(shard, root) > 0) {
    lastLiveId(shard, root, other);
    if (compareIds(scratchId, other) < 0) {
      return 'ERR The ID specified in XSETID is smaller than the target stream top item';
    }
    if (added !== -1 && streamLength(shard, root) > added) {
      return 'ERR The entries_added specified in XSETID is smaller than the target stream length';
    }
  }
  setLastId(shard, root, scratchId);
  if (added !== -1) setEntriesAdded(shard, root, added);
  if (!maxDeleted.isZero) writeStreamId(shard, root, Stream.MaxDeletedId, maxDeleted);
  return '';
}
