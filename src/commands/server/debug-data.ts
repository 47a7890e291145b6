/** The subcommands of DEBUG that look at the data, or make some. */
import { Bytes } from '../../base/bytes.ts';
import { parseInt64, Int64 } from '../../base/int64.ts';
import { parseInteger } from '../../base/number.ts';
import { Head, Header, PAGE_BYTES, type Shard } from '../../memory/shard.ts';
import { idleSeconds } from '../../store/eviction/access.ts';
import {
  expiryAtMs,
  isRooted,
  recordAccess,
  recordBlockBytes,
  recordDatabase,
  recordEncoding,
  recordEpoch,
  rootOf,
  recordType,
  valueAt,
  valueBytes,
  ValueType,
} from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { structureKind } from '../../store/structure-kinds.ts';
import { describeTable } from '../../structures/table.ts';
import { NO_SUCH_KEY, OUT_OF_MEMORY } from '../replies.ts';
import type { Call } from '../row.ts';
import { encodingName, typeName } from '../value-names.ts';

const NOT_POSITIVE = 'ERR value is out of range, must be positive';

/** Sets the keys `prefix:0` and on that do not exist; each is locked for itself, so that others get their turn. */
export function debugPopulate(call: Call): void {
  const count = countArgument(call, 2);
  const byteCount = call.count > 4 ? countArgument(call, 4) : 0;
  if (count < 0 || byteCount < 0) return call.reply.error(NOT_POSITIVE);
  const prefix = call.count > 3 ? call.copyArgument(3) : Buffer.from('key');
  const { keyspace, key } = call;
  const name = Bytes.allocate(prefix.length + 20);
  prefix.copy(name.u8);
  const value = Bytes.allocate(byteCount || 32);
  let valueLength = 0;
  let status: Status = Status.Ok;
  const put = (): void => {
    if (keyspace.find(key) === 0) status = keyspace.putString(key, value, 0, valueLength, 0);
  };
  for (let number = 0; number < count && status === Status.Ok; number++) {
    const nameLength = prefix.length + name.u8.write(`:${number}`, prefix.length, 'latin1');
    // Redis: with a size, zero bytes fill the value up, or it is cut off.
    value.u8.fill(0);
    const written = value.u8.write(`value:${number}`, 0, 'latin1');
    valueLength = byteCount || written;
    keyspace.locate(key, name, 0, nameLength, call.database);
    call.withShard(key.shard.index, put);
  }
  if (status === Status.Ok) call.reply.ok();
  else call.reply.error(OUT_OF_MEMORY);
}

/** A number that is not negative, or -1. */
function countArgument(call: Call, index: number): number {
  const start = call.args[index * 2]!;
  const value = parseInteger(call.source.u8, start, start + call.args[index * 2 + 1]!);
  return value >= 0 ? value : -1;
}

/** Redis' line about a key, and behind it what our own record says. */
export function debugObject(call: Call): void {
  const { keyspace, key } = call;
  keyspace.locate(key, call.source, call.args[4]!, call.args[5]!, call.database);
  let line = '';
  call.withShard(key.shard.index, (shard) => {
    const record = keyspace.find(key);
    if (record !== 0) line = describeRecord(call, shard, record);
  });
  if (line === '') call.reply.error(NO_SUCH_KEY);
  else call.reply.simple(line);
}

function describeRecord(call: Call, shard: Shard, record: number): string {
  const access = recordAccess(shard, record);
  const fields = {
    refcount: 1,
    encoding: encodingName(shard, record),
    serializedlength: serializedBytes(shard, record),
    lru: access,
    lru_seconds_idle: idleSeconds(call.keyspace, shard, record),
    type: typeName(shard, record),
    shard: shard.index,
    database: recordDatabase(shard, record),
    epoch: recordEpoch(shard, record),
    value_bytes: valueBytes(shard, record),
    block_bytes: recordBlockBytes(shard, record),
    expiry_at_ms: expiryAtMs(shard, record),
  };
  const words = Object.entries(fields).map(([name, value]) => `${name}:${value}`);
  const encoding = recordEncoding(shard, record);
  if (isRooted(encoding)) {
    const root = rootOf(shard, record);
    const kind = structureKind(encoding);
    words.push(`structure_bytes:${kind.bytesUsed(shard, root)}`, kind.describe(shard, root));
  }
  return `Value at:0x${record.toString(16)} ${words.join(' ')}`;
}

const scratchInteger = new Int64();

/** Length of a string in an RDB file, which would hold it without compression; of other values the bytes they take. */
function serializedBytes(shard: Shard, record: number): number {
  const byteCount = valueBytes(shard, record);
  const encoding = recordEncoding(shard, record);
  if (isRooted(encoding)) return structureKind(encoding).bytesUsed(shard, rootOf(shard, record));
  if (recordType(shard, record) !== ValueType.String) return byteCount;
  const at = valueAt(shard, record);
  if (byteCount <= 11 && parseInt64(shard.bytes.u8, at, at + byteCount, scratchInteger)) {
    const value = Number(shard.bytes.u8.toString('latin1', at, at + byteCount));
    if (value >= -128 && value < 128) return 2;
    if (value >= -32768 && value < 32768) return 3;
    if (value >= -(2 ** 31) && value < 2 ** 31) return 5;
  }
  const lengthBytes = byteCount < 64 ? 1 : byteCount < 16384 ? 2 : 5;
  return lengthBytes + byteCount;
}

/** Walks everything; a broken invariant throws on through the dispatcher, which logs it, and ends the process. */
export function debugVerify(call: Call): void {
  let count = 0;
  call.eachShard((shard) => {
    count += call.keyspace.verifyShard(shard);
  });
  call.interests.verify();
  call.reply.integer(count);
}

/** One line for each shard. */
export function debugLayout(call: Call): void {
  const lines: string[] = [];
  call.eachShard((shard) => {
    lines.push(describeShard(shard));
  });
  call.reply.verbatim(`${lines.join('\n')}\n`, 'txt');
}

function describeShard(shard: Shard): string {
  const { words } = shard;
  const table = shard.heads[shard.head + Head.Table]!;
  const pages =
    `pages of ${PAGE_BYTES}: ${words[Header.HeldPages]} held, ${words[Header.DirtyPages]} dirty, ` +
    `${words[Header.TopPage]! - words[Header.FirstPage]!} touched of ${words[Header.PageCount]}`;
  const content = table === 0 ? 'no table' : describeTable(shard, table);
  return `shard ${shard.index}: ${shard.usedBytes} bytes used; ${pages}; ${content}`;
}
