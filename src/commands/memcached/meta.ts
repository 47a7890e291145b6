/** memcached's meta commands: mg, ms, md, ma, me, mn. Their flags are read once, before any lock is taken, into
 *  `scratchMeta`, and walked again, in the order they were sent, to write the reply. */
import { idleSeconds } from '../../store/eviction/access.ts';
import { recordBytes, expiryAtMs, itemClientFlags, recordFlags } from '../../store/record.ts';
import { recordType, RecordFlag, valueAt, valueBytes, ValueType } from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import {
  changeExpiry,
  countRead,
  findItem,
  markFetched,
  Outcome,
  scratchNumber,
  setLife,
  setNumber,
  storeItem,
} from './item.ts';
import { Letter, parseMetaFlags, scratchMeta } from './meta-flags.ts';
import { BAD_FORMAT, NO_MEMORY, numberAt, OTHER_TYPE, StoreMode, takeKey } from './request.ts';
import { type MemcachedCall, MemcachedEvent, MemcachedRoute, type MemcachedRow, Parsed } from './row.ts';
import { changeNumber, checkRoom, DATA_BYTES_MAX, numberError } from './text.ts';

/** memcached: a meta command has at most this many tokens, the verb and the line's end included. */
const TOKENS_MAX = 20;
const BAD_FLAGS = 'CLIENT_ERROR invalid or duplicate flag';

/** Tokens of `ms M`. */
const STORE_MODES: ReadonlyMap<string, StoreMode> = new Map([
  ['S', StoreMode.Set],
  ['E', StoreMode.Add],
  ['R', StoreMode.Replace],
  ['A', StoreMode.Append],
  ['P', StoreMode.Prepend],
]);

const keyRoute = { tokensMin: 2, tokensMax: Infinity, route: MemcachedRoute.ByKey, writes: true } as const;

export const META_ROWS: readonly MemcachedRow[] = [
  { ...keyRoute, verb: 'mg', parse: parseMetaGet, run: metaGet },
  { ...keyRoute, verb: 'ms', route: MemcachedRoute.Store, parse: parseMetaSet, run: metaSet },
  { ...keyRoute, verb: 'md', parse: parseMetaDelete, run: metaDelete },
  { ...keyRoute, verb: 'ma', parse: parseMetaArithmetic, run: metaArithmetic },
  { ...keyRoute, verb: 'me', tokensMin: 1, writes: false, parse: parseMetaDebug, run: metaDebug },
  { ...keyRoute, verb: 'mn', tokensMin: 1, route: MemcachedRoute.Here, writes: false, run: metaNoop },
];

function refuse(call: MemcachedCall, text: string): Parsed {
  call.reply.text(text);
  return Parsed.Refused;
}

/** Reads key and flags. Returns why they are wrong, or ''. */
function parseLine(call: MemcachedCall, firstFlag: number, tooMany: string): string {
  call.request.isMeta = true;
  scratchMeta.isFlagError = false;
  if (!takeKey(call, 1)) return BAD_FORMAT;
  if (call.count + 1 > TOKENS_MAX) return tooMany;
  return parseMetaFlags(call, firstFlag);
}

/** The flags that any reply gives back. True: `letter` was one of them. */
function echoFlag(call: MemcachedCall, letter: number, index: number): boolean {
  const { reply, request, args } = call;
  if (letter === Letter.Opaque) {
    reply.token(call.source, args[index * 2]!, args[index * 2 + 1]!);
  } else if (letter === Letter.Key) {
    reply.flag(letter);
    if (!scratchMeta.isBinaryKey) {
      reply.copy(request.keySource, request.keyAt, request.keyBytes);
    } else {
      reply.code(request.keySource.u8.toString('base64', request.keyAt, request.keyAt + request.keyBytes));
      reply.flag(Letter.Binary);
    }
  } else {
    return false;
  }
  return true;
}

/** A reply that says only how it ended, with the flags given back. */
function replyCode(call: MemcachedCall, code: string): void {
  call.reply.code(code);
  for (let i = scratchMeta.firstFlag; i < call.count; i++) echoFlag(call, letterAt(call, i), i);
  call.reply.lineEnd();
}

function letterAt(call: MemcachedCall, index: number): number {
  return call.source.u8[call.args[index * 2]!]!;
}

/** Seconds the item has left, -1 for ever. */
function secondsLeft(call: MemcachedCall): number {
  const expiry = expiryAtMs(call.key.shard, call.key.record);
  return expiry === 0 ? -1 : Math.max(Math.ceil((expiry - call.keyspace.nowMs) / 1000), 0);
}

function secondsSinceAccess(call: MemcachedCall): number {
  return idleSeconds(call.keyspace, call.key.shard, call.key.record);
}

// mg

function parseMetaGet(call: MemcachedCall): Parsed {
  const error = parseLine(call, 2, 'CLIENT_ERROR options flags are too long');
  return error === '' ? Parsed.Run : refuse(call, error);
}

function metaGet(call: MemcachedCall): void {
  const { key } = call;
  let isCreated = false;
  if (findItem(call) === 0) {
    // A key of another type is in the way of a stub.
    if (!scratchMeta.isVivifying || key.record !== 0) return missMetaGet(call);
    if (!createStub(call)) return call.reply.text(NO_MEMORY);
    isCreated = true;
  }
  const { reply } = call;
  if (scratchMeta.wantsValue) reply.code(`VA ${valueBytes(key.shard, key.record)}`);
  else reply.code('HD');
  const hasWon = writeGetFlags(call, isCreated);
  writeLife(call, hasWon);
  reply.lineEnd();
  if (scratchMeta.wantsValue) {
    reply.copy(key.shard.bytes, valueAt(key.shard, key.record), valueBytes(key.shard, key.record));
    reply.lineEnd();
  }
  if (!scratchMeta.isQuietRead) markFetched(call);
  call.countEvent(scratchMeta.hasExpiry ? MemcachedEvent.CommandTouch : MemcachedEvent.CommandGet);
  call.countEvent(scratchMeta.hasExpiry ? MemcachedEvent.TouchHits : MemcachedEvent.GetHits);
  countRead(call, true);
}

function missMetaGet(call: MemcachedCall): void {
  call.countEvent(MemcachedEvent.CommandGet);
  call.countEvent(MemcachedEvent.GetMisses);
  countRead(call, false);
  if (!call.request.noReply) replyCode(call, 'EN');
}

/** The empty item that `mg N` leaves for the client that is to fill it. */
function createStub(call: MemcachedCall): boolean {
  if (call.memoryFull) return false;
  const status = call.keyspace.putItem(call.key, call.source, 0, 0, 0, 0);
  if (status === Status.Ok) call.countEvent(MemcachedEvent.TotalItems);
  return status === Status.Ok && setWantedCas(call);
}

/** memcached: flags take effect in their order, so of N and T the later one decides how long a new item lives. */
function setStubExpiry(call: MemcachedCall, isCreated: boolean): void {
  if (isCreated) changeExpiry(call, scratchMeta.stubExpiryMs);
}

/** Gives the item the cas number the client chose (flag E), if it did. */
function setWantedCas(call: MemcachedCall): boolean {
  if (scratchMeta.newCas === 0) return true;
  return call.keyspace.setCas(call.key, scratchMeta.newCas) === Status.Ok;
}

/** Writes what the flags ask for, in their order. Returns whether this client has won the right to recache. */
function writeGetFlags(call: MemcachedCall, isCreated: boolean): boolean {
  const { key, keyspace, reply } = call;
  let hasWon = isCreated;
  for (let i = scratchMeta.firstFlag; i < call.count; i++) {
    const letter = letterAt(call, i);
    if (echoFlag(call, letter, i)) continue;
    const { shard } = key;
    if (letter === Letter.Expiry) changeExpiry(call, scratchMeta.expiryMs);
    else if (letter === Letter.Vivify) setStubExpiry(call, isCreated);
    else if (letter === Letter.Recache) hasWon ||= !isCreated && isDueForRecache(call);
    else if (letter === Letter.Size) reply.flagNumber(letter, valueBytes(shard, key.record));
    else if (letter === Letter.TimeLeft) reply.flagNumber(letter, secondsLeft(call));
    else if (letter === Letter.Cas) reply.flagNumber(letter, keyspace.ensureCas(key));
    else if (letter === Letter.ClientFlags) reply.flagNumber(letter, itemClientFlags(shard, key.record));
    else if (letter === Letter.LastAccess) reply.flagNumber(letter, secondsSinceAccess(call));
    else if (letter === Letter.Hit) reply.flagNumber(letter, hasFlag(call, RecordFlag.Fetched) ? 1 : 0);
  }
  return hasWon;
}

function hasFlag(call: MemcachedCall, flag: RecordFlag): boolean {
  return (recordFlags(call.key.shard, call.key.record) & flag) !== 0;
}

function isDueForRecache(call: MemcachedCall): boolean {
  const expiry = expiryAtMs(call.key.shard, call.key.record);
  return !hasFlag(call, RecordFlag.Won) && expiry !== 0 && expiry < scratchMeta.recacheMs;
}

/** Z: another client is recaching; X: stale; W: this client is to recache. */
function writeLife(call: MemcachedCall, hasWonByFlags: boolean): void {
  const { key, reply } = call;
  const isTaken = hasFlag(call, RecordFlag.Won);
  const isStale = hasFlag(call, RecordFlag.Stale);
  if (isTaken) reply.flag(Letter.Taken);
  if (isStale) reply.flag(Letter.Stale);
  if (!hasWonByFlags && (!isStale || isTaken)) return;
  reply.flag(Letter.Won);
  const fetched = recordFlags(key.shard, key.record) & (RecordFlag.Fetched | RecordFlag.Stale);
  setLife(key.shard, key.record, fetched | RecordFlag.Won);
}

// ms

/** `ms <key> <bytes> <flags>*`. A wrong flag is told after the data block was skipped, a wrong length at once. */
function parseMetaSet(call: MemcachedCall): Parsed {
  const { request } = call;
  if (!takeKey(call, 1) || call.count < 3) return refuse(call, BAD_FORMAT);
  if (call.count + 1 > TOKENS_MAX) return refuse(call, 'CLIENT_ERROR options flags too long');
  const dataBytes = numberAt(call, 2);
  if (!(dataBytes >= 0 && dataBytes <= DATA_BYTES_MAX)) return refuse(call, BAD_FORMAT);
  request.dataBytes = dataBytes;
  const error = parseLine(call, 3, '') || takeStoreMode(call);
  if (error !== '') {
    request.swallowBytes = dataBytes + 2;
    return refuse(call, error);
  }
  request.clientFlags = scratchMeta.clientFlags;
  request.whenMs = scratchMeta.expiryMs;
  return checkRoom(call);
}

function takeStoreMode(call: MemcachedCall): string {
  const { request } = call;
  const mode = STORE_MODES.get(scratchMeta.mode);
  if (mode === undefined) return 'CLIENT_ERROR invalid mode for ms M token';
  request.mode = mode;
  return '';
}

function metaSet(call: MemcachedCall): void {
  const outcome = storeItem(call, scratchMeta.isInvalidating);
  if (outcome === Outcome.Done && !setWantedCas(call)) return call.reply.text(`${NO_MEMORY} storing object`);
  if (outcome === Outcome.OtherType) return call.reply.text(OTHER_TYPE);
  if (outcome === Outcome.OutOfMemory) return call.reply.text(`${NO_MEMORY} storing object`);
  if (outcome === Outcome.Done && call.request.noReply) return;
  call.reply.code(codeOf(outcome));
  for (let i = scratchMeta.firstFlag; i < call.count; i++) {
    const letter = letterAt(call, i);
    if (echoFlag(call, letter, i) || letter !== Letter.Cas) continue;
    call.reply.flagNumber(letter, outcome === Outcome.Done ? call.keyspace.ensureCas(call.key) : 0);
  }
  call.reply.lineEnd();
}

function codeOf(outcome: Outcome): string {
  if (outcome === Outcome.Done) return 'HD';
  if (outcome === Outcome.NotStored) return 'NS';
  return outcome === Outcome.Exists ? 'EX' : 'NF';
}

// md

function parseMetaDelete(call: MemcachedCall): Parsed {
  const error = parseLine(call, 2, 'CLIENT_ERROR options flags too long');
  return error === '' ? Parsed.Run : refuse(call, inShort(error));
}

/** memcached: md and ma tell wrong flags apart from wrong lines only. */
function inShort(error: string): string {
  const isOfLine = error === BAD_FORMAT || error.includes('too long');
  return isOfLine && !scratchMeta.isFlagError ? error : BAD_FLAGS;
}

function metaDelete(call: MemcachedCall): void {
  const { key, keyspace, request } = call;
  const record = keyspace.find(key);
  if (record === 0) {
    call.countEvent(MemcachedEvent.DeleteMisses);
    return replyCode(call, 'NF');
  }
  const needsItem = request.hasCas || scratchMeta.isInvalidating;
  if (needsItem && recordType(key.shard, record) !== ValueType.String) return call.reply.text(OTHER_TYPE);
  if (request.hasCas && keyspace.ensureCas(key) !== request.cas) {
    call.countEvent(MemcachedEvent.DeleteMisses);
    return replyCode(call, 'EX');
  }
  if (scratchMeta.isInvalidating) {
    markStale(call);
  } else {
    call.countEvent(MemcachedEvent.DeleteHits);
    keyspace.remove(key);
  }
  if (!request.noReply) replyCode(call, 'HD');
}

/** The next client that reads the item is told to recache it. This makes a new version of it: its cas number changes. */
function markStale(call: MemcachedCall): void {
  const { key, keyspace } = call;
  if (scratchMeta.hasExpiry) changeExpiry(call, scratchMeta.expiryMs);
  setLife(
    key.shard,
    key.record,
    (recordFlags(key.shard, key.record) & RecordFlag.Fetched) | RecordFlag.Stale,
  );
  keyspace.touched(key);
  setWantedCas(call);
}

// ma

function parseMetaArithmetic(call: MemcachedCall): Parsed {
  const error = parseLine(call, 2, 'CLIENT_ERROR options flags too long');
  if (error !== '') return refuse(call, inShort(error));
  // `S` is what the mode is when the client sends none.
  if (!'SI+D-'.includes(scratchMeta.mode) || scratchMeta.hasModeS) {
    return refuse(call, 'CLIENT_ERROR invalid mode for ma M token');
  }
  call.request.delta = scratchMeta.delta;
  return Parsed.Run;
}

function metaArithmetic(call: MemcachedCall): void {
  const isIncrement = scratchMeta.mode !== 'D' && scratchMeta.mode !== '-';
  const outcome = changeNumber(call, isIncrement);
  if (outcome === Outcome.Exists) return replyCode(call, 'EX');
  const isMissing = outcome === Outcome.NotFound;
  if (isMissing && !scratchMeta.isVivifying) {
    call.countEvent(isIncrement ? MemcachedEvent.IncrementMisses : MemcachedEvent.DecrementMisses);
    return replyCode(call, 'NF');
  }
  if (isMissing && !createNumber(call)) {
    return call.reply.text('SERVER_ERROR Out of memory allocating new item');
  }
  if (!isMissing && outcome !== Outcome.Done) return call.reply.text(numberError(outcome));
  setWantedCas(call);
  if (isMissing || !call.request.noReply) replyWithNumber(call, isMissing);
  else changeExpiryByFlag(call);
}

function createNumber(call: MemcachedCall): boolean {
  if (call.memoryFull) return false;
  setNumber(scratchMeta.initial);
  const { bytes, byteCount } = scratchNumber;
  const status = call.keyspace.putItem(call.key, bytes, 0, byteCount, 0, 0);
  if (status === Status.Ok) call.countEvent(MemcachedEvent.TotalItems);
  return status === Status.Ok;
}

function changeExpiryByFlag(call: MemcachedCall): void {
  if (scratchMeta.hasExpiry) changeExpiry(call, scratchMeta.expiryMs);
}

function replyWithNumber(call: MemcachedCall, isCreated: boolean): void {
  const { key, keyspace, reply } = call;
  reply.code(scratchMeta.wantsValue ? `VA ${scratchNumber.byteCount}` : 'HD');
  for (let i = scratchMeta.firstFlag; i < call.count; i++) {
    const letter = letterAt(call, i);
    if (echoFlag(call, letter, i)) continue;
    if (letter === Letter.Cas) reply.flagNumber(letter, keyspace.ensureCas(key));
    else if (letter === Letter.TimeLeft) reply.flagNumber(letter, secondsLeft(call));
    else if (letter === Letter.Expiry) changeExpiryByFlag(call);
    else if (letter === Letter.Vivify) setStubExpiry(call, isCreated);
  }
  reply.lineEnd();
  if (!scratchMeta.wantsValue) return;
  reply.copy(scratchNumber.bytes, 0, scratchNumber.byteCount);
  reply.lineEnd();
}

// me, mn

/** `me <key> [b]`: only as the first flag `b` means anything. */
function parseMetaDebug(call: MemcachedCall): Parsed {
  if (call.count < 2 || !takeKey(call, 1)) return refuse(call, BAD_FORMAT);
  call.request.isMeta = true;
  const isBinary = call.count > 2 && call.text(2) === 'b';
  // The first flag alone is read: the rest of the line may be anything.
  const error = isBinary ? parseMetaFlags(call, 2, 3) : parseMetaFlags(call, call.count);
  return error === '' ? Parsed.Run : refuse(call, BAD_FORMAT);
}

/** memcached's slab class has no counterpart here, and `size` is what the record takes. */
function metaDebug(call: MemcachedCall): void {
  call.countEvent(MemcachedEvent.CommandMeta);
  const record = findItem(call);
  if (record === 0) return call.reply.text('EN');
  const { key, request, reply } = call;
  const expiry = expiryAtMs(key.shard, record);
  const left = expiry === 0 ? 1 : secondsLeft(call);
  const lastAccess = secondsSinceAccess(call);
  const fetched = hasFlag(call, RecordFlag.Fetched) ? 'yes' : 'no';
  const cas = call.keyspace.ensureCas(key);
  reply.code('ME ');
  if (scratchMeta.isBinaryKey) {
    reply.code(request.keySource.u8.toString('base64', request.keyAt, request.keyAt + request.keyBytes));
  } else {
    reply.copy(request.keySource, request.keyAt, request.keyBytes);
  }
  const size = recordBytes(key.shard, key.record);
  reply.text(` exp=${-left} la=${lastAccess} cas=${cas} fetch=${fetched} cls=1 size=${size}`);
}

function metaNoop(call: MemcachedCall): void {
  call.reply.text('MN');
}
