/** DUMP and RESTORE: values as Redis' files have them, out of one server and into another, whichever of them is ours. */
import { Int64, int64ToNumber } from '../../base/int64.ts';
import { RdbError } from '../../persist/rdb/error.ts';
import { RdbInput } from '../../persist/rdb/input.ts';
import { RdbOutput } from '../../persist/rdb/output.ts';
import { payloadBodyBytes, writePayload } from '../../persist/rdb/payload.ts';
import { Loaded, ValueLoader } from '../../persist/rdb/value-loader.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { setFrequency, setIdleSeconds } from '../../store/eviction/access.ts';
import { expiryAtMs } from '../../store/record.ts';
import { isWord, parseInt64Argument } from '../argument.ts';
import { type EffectSink, findArgument, putArgument, putDelete } from '../effect.ts';
import { NOT_AN_INTEGER, OUT_OF_MEMORY, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';

const RESTORE_KEYS = [key(1, KeyFlag.Overwrite | KeyFlag.Update)];
const BUSY_KEY = 'BUSYKEY Target key name already exists.';
const WRONG_FOOTER = 'ERR DUMP payload version or checksum are wrong';
const BAD_FORMAT = 'ERR Bad data format';
const FREQUENCY_MAX = 255;

export const dumpRows: readonly Row[] = [
  {
    name: 'DUMP',
    since: '2.6.0',
    arity: 2,
    flags: Flag.ReadOnly,
    acl: ['keyspace'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    tips: ['NONDETERMINISTIC_OUTPUT'],
    summary: 'Gives the value of a key in a form that RESTORE takes.',
    run: dumpCommand,
  },
  {
    name: 'RESTORE',
    since: '2.6.0',
    arity: -4,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['keyspace', 'dangerous'],
    keys: RESTORE_KEYS,
    grows: true,
    summary: 'Creates a key from what DUMP gave.',
    run: restoreCommand,
    effect: restoreEffect,
  },
];

export const restoreAskingRow: Row = {
  name: 'RESTORE-ASKING',
  since: '3.0.0',
  arity: -4,
  flags: Flag.Write | Flag.DenyOom | Flag.Asking,
  acl: ['keyspace', 'dangerous'],
  keys: RESTORE_KEYS,
  grows: true,
  summary: 'RESTORE, for a cluster that moves a slot.',
  run: restoreCommand,
  effect: restoreEffect,
};

const scratchOutput = new RdbOutput();
const scratchInteger = new Int64();
let scratchLoader: { readonly keyspace: Keyspace; readonly values: ValueLoader } | null = null;

function dumpCommand(call: Call): void {
  const { keyspace, reply } = call;
  const record = keyspace.read(call.key);
  if (record === 0) return reply.nil();
  const { buffer } = scratchOutput;
  scratchOutput.isCompressing = call.server.setting('rdbcompression') === 'yes';
  writePayload(scratchOutput, call.key.shard, record);
  reply.bulk(buffer.bytes, 0, buffer.length);
  buffer.clear();
}

/** What RESTORE is asked to do beside restoring. */
const scratchOptions = { replaces: false, isAbsolute: false, idleS: -1, frequency: -1 };

/** Reads the options. False: the error has been replied. */
function parseOptions(call: Call): boolean {
  const options = scratchOptions;
  options.replaces = false;
  options.isAbsolute = false;
  options.idleS = -1;
  options.frequency = -1;
  for (let i = 4; i < call.count; i++) {
    const hasMore = i + 1 < call.count;
    if (isWord(call, i, 'REPLACE')) options.replaces = true;
    else if (isWord(call, i, 'ABSTTL')) options.isAbsolute = true;
    else if (hasMore && options.frequency < 0 && isWord(call, i, 'IDLETIME')) {
      options.idleS = parseNumber(call, ++i);
      if (options.idleS !== options.idleS) return false;
      if (options.idleS < 0) return fail(call, 'ERR Invalid IDLETIME value, must be >= 0');
    } else if (hasMore && options.idleS < 0 && isWord(call, i, 'FREQ')) {
      options.frequency = parseNumber(call, ++i);
      if (options.frequency !== options.frequency) return false;
      if (options.frequency < 0 || options.frequency > FREQUENCY_MAX) {
        return fail(call, 'ERR Invalid FREQ value, must be >= 0 and <= 255');
      }
    } else return fail(call, SYNTAX_ERROR);
  }
  return true;
}

function fail(call: Call, text: string): false {
  call.reply.error(text);
  return false;
}

/** Argument `index` as an integer. NaN: the error has been replied. */
function parseNumber(call: Call, index: number): number {
  if (parseInt64Argument(call, index, scratchInteger)) return int64ToNumber(scratchInteger);
  call.reply.error(NOT_AN_INTEGER);
  return NaN;
}

function restoreCommand(call: Call): void {
  const { keyspace, reply, source, args } = call;
  if (!parseOptions(call)) return;
  const options = scratchOptions;
  const had = keyspace.find(call.key) !== 0;
  if (had && !options.replaces) return reply.error(BUSY_KEY);
  const ttlMs = parseNumber(call, 2);
  if (ttlMs !== ttlMs) return;
  if (ttlMs < 0) return reply.error('ERR Invalid TTL value, must be >= 0');
  const at = args[6]!;
  const bodyBytes = payloadBodyBytes(source, at, args[7]!);
  if (bodyBytes < 0) return reply.error(WRONG_FOOTER);
  const whenMs =
    ttlMs === 0 ? 0 : Math.min(options.isAbsolute ? ttlMs : ttlMs + keyspace.nowMs, Number.MAX_SAFE_INTEGER);
  const loaded = restoreValue(call, at, bodyBytes, whenMs);
  if (loaded === Loaded.Empty) return reply.error(BAD_FORMAT);
  if (loaded === Loaded.OutOfMemory) return reply.error(OUT_OF_MEMORY);
  if (whenMs === 0 || whenMs >= keyspace.nowMs) settle(call, call.key);
  // Redis: a time that is past makes it as if the old key, if any, had been deleted.
  else if (had) keyspace.remove(call.key);
  else keyspace.dropRecord(call.key);
  reply.ok();
}

/** RESTORE with the time at which the key expires, or gone if that was past. */
function restoreEffect(call: Call, out: EffectSink): void {
  const record = findArgument(call, 1);
  if (record === 0) return putDelete(call.key, out);
  out.begin(6);
  out.word('RESTORE');
  putArgument(call, 1, out);
  out.word(`${expiryAtMs(call.key.shard, record)}`);
  putArgument(call, 3, out);
  out.word('REPLACE');
  out.word('ABSTTL');
}

/** Loaded.Empty for everything that is no value. */
function restoreValue(call: Call, at: number, bodyBytes: number, whenMs: number): Loaded {
  const { keyspace, source } = call;
  if (scratchLoader?.keyspace !== keyspace) scratchLoader = { keyspace, values: new ValueLoader(keyspace) };
  const input = new RdbInput(source);
  input.open(source, at, at + bodyBytes, -at);
  try {
    if (bodyBytes === 0) return Loaded.Empty;
    return scratchLoader.values.load(input, input.byte(), call.key, whenMs);
  } catch (error) {
    if (error instanceof RdbError) return Loaded.Empty;
    throw error;
  }
}

/** What comes after a value was restored. */
function settle({ keyspace }: Call, restored: Key): void {
  const { idleS, frequency } = scratchOptions;
  keyspace.touched(restored);
  if (frequency >= 0) setFrequency(keyspace, restored.shard, restored.record, frequency);
  if (idleS >= 0) setIdleSeconds(keyspace, restored.shard, restored.record, idleS);
}
