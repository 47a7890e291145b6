/** memcached's classic commands on keys: get and its kin, the store commands, incr and decr, touch, delete. */
import { parseUnsigned } from '../../protocol/memcache-number.ts';
import { itemClientFlags, recordType, valueAt, valueBytes, ValueType } from '../../store/record.ts';
import {
  addToNumber,
  changeExpiry,
  countRead,
  findItem,
  isTooLarge,
  markFetched,
  Outcome,
  scratchNumber,
  storeItem,
} from './item.ts';
import {
  BAD_FORMAT,
  expiryOf,
  KEY_BYTES_MAX,
  NO_MEMORY,
  numberAt,
  OTHER_TYPE,
  StoreMode,
  takeKey,
  takeNoReply,
} from './request.ts';
import { type MemcachedCall, MemcachedEvent, MemcachedRoute, type MemcachedRow, Parsed } from './row.ts';

/** memcached keeps the length, line end included, in 31 bits. */
export const DATA_BYTES_MAX = 0x7fffffff - 2;
const STORED = Buffer.from('STORED\r\n');
const BAD_EXPTIME = 'CLIENT_ERROR invalid exptime argument';
const BAD_DELETE = 'CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]';
const NOT_A_NUMBER = 'CLIENT_ERROR cannot increment or decrement non-numeric value';

export const TEXT_ROWS: readonly MemcachedRow[] = [
  readRow('get', getOne),
  readRow('gets', getsOne),
  readRow('bget', getOne),
  touchingReadRow('gat', gatOne),
  touchingReadRow('gats', gatsOne),
  storeRow('set', parseSet),
  storeRow('add', parseAdd),
  storeRow('replace', parseReplace),
  storeRow('append', parseAppend),
  storeRow('prepend', parsePrepend),
  { ...storeRow('cas', parseCas), tokensMin: 6, tokensMax: 7 },
  keyRow('incr', 3, 4, parseDelta, incrCommand),
  keyRow('decr', 3, 4, parseDelta, decrCommand),
  keyRow('touch', 3, 4, parseTouch, touchCommand),
  keyRow('delete', 2, 4, parseDelete, deleteCommand),
];

function readRow(verb: string, run: (call: MemcachedCall) => void): MemcachedRow {
  const route = MemcachedRoute.EachKey;
  return {
    verb,
    tokensMin: 2,
    tokensMax: Infinity,
    route,
    writes: false,
    parse: parseGet,
    run,
    finish: endGet,
  };
}

function touchingReadRow(verb: string, run: (call: MemcachedCall) => void): MemcachedRow {
  return { ...readRow(verb, run), writes: true, parse: parseGat };
}

function storeRow(verb: string, parse: (call: MemcachedCall) => Parsed): MemcachedRow {
  const route = MemcachedRoute.Store;
  return { verb, tokensMin: 5, tokensMax: 6, route, writes: true, parse, run: storeCommand };
}

function keyRow(
  verb: string,
  tokensMin: number,
  tokensMax: number,
  parse: (call: MemcachedCall) => Parsed,
  run: (call: MemcachedCall) => void,
): MemcachedRow {
  return { verb, tokensMin, tokensMax, route: MemcachedRoute.ByKey, writes: true, parse, run };
}

/** The answer to a line that is wrong. */
function refuse(call: MemcachedCall, text: string): Parsed {
  call.reply.text(text);
  return Parsed.Refused;
}

function parseGet(call: MemcachedCall): Parsed {
  const { args, count, request } = call;
  for (let i = request.firstKey; i < count; i++) {
    if (args[i * 2 + 1]! > KEY_BYTES_MAX) return refuse(call, BAD_FORMAT);
  }
  return Parsed.Run;
}

function parseGat(call: MemcachedCall): Parsed {
  const exptimeS = numberAt(call, 1);
  if (Number.isNaN(exptimeS)) return refuse(call, BAD_EXPTIME);
  call.request.whenMs = expiryOf(exptimeS, call.keyspace.nowMs);
  call.request.firstKey = 2;
  return parseGet(call);
}

function getOne(call: MemcachedCall): void {
  if (countGet(call, findItem(call))) replyValue(call, -1);
}

function getsOne(call: MemcachedCall): void {
  if (countGet(call, findItem(call))) replyValue(call, call.keyspace.ensureCas(call.key));
}

function gatOne(call: MemcachedCall): void {
  if (touchItem(call)) replyValue(call, -1);
}

function gatsOne(call: MemcachedCall): void {
  if (touchItem(call)) replyValue(call, call.keyspace.ensureCas(call.key));
}

function countGet(call: MemcachedCall, record: number): boolean {
  call.countEvent(MemcachedEvent.CommandGet);
  call.countEvent(record === 0 ? MemcachedEvent.GetMisses : MemcachedEvent.GetHits);
  countRead(call, record !== 0);
  if (record !== 0) markFetched(call);
  return record !== 0;
}

/** Hot: every hit of a get ends here. */
function replyValue(call: MemcachedCall, cas: number): void {
  const { bytes, at, byteCount, shard, record } = call.key;
  call.reply.value(
    bytes,
    at,
    byteCount,
    itemClientFlags(shard, record),
    shard.bytes,
    valueAt(shard, record),
    valueBytes(shard, record),
    cas,
  );
}

function endGet(call: MemcachedCall): void {
  call.reply.end();
}

/** Sets the expiry of the item as asked. False: there is none. */
function touchItem(call: MemcachedCall): boolean {
  const isHit = findItem(call) !== 0;
  call.countEvent(MemcachedEvent.CommandTouch);
  call.countEvent(isHit ? MemcachedEvent.TouchHits : MemcachedEvent.TouchMisses);
  if (!isHit) return false;
  markFetched(call);
  // Without memory for it the item keeps the expiry it has, as it must: memcached has no words for that.
  changeExpiry(call, call.request.whenMs);
  return true;
}

function parseSet(call: MemcachedCall): Parsed {
  return parseStore(call, StoreMode.Set);
}

function parseAdd(call: MemcachedCall): Parsed {
  return parseStore(call, StoreMode.Add);
}

function parseReplace(call: MemcachedCall): Parsed {
  return parseStore(call, StoreMode.Replace);
}

function parseAppend(call: MemcachedCall): Parsed {
  return parseStore(call, StoreMode.Append);
}

function parsePrepend(call: MemcachedCall): Parsed {
  return parseStore(call, StoreMode.Prepend);
}

/** `<verb> <key> <flags> <exptime> <bytes> [noreply]`. */
function parseStore(call: MemcachedCall, mode: StoreMode): Parsed {
  const { request } = call;
  request.mode = mode;
  takeNoReply(call);
  const clientFlags = numberAt(call, 2);
  const exptimeS = numberAt(call, 3);
  const dataBytes = numberAt(call, 4);
  const areNumbers = clientFlags >= 0 && exptimeS === exptimeS && dataBytes >= 0;
  if (!takeKey(call, 1) || !areNumbers || dataBytes > DATA_BYTES_MAX) return refuse(call, BAD_FORMAT);
  request.clientFlags = clientFlags >>> 0;
  request.whenMs = expiryOf(exptimeS, call.keyspace.nowMs);
  request.dataBytes = dataBytes;
  return checkRoom(call);
}

/** `cas <key> <flags> <exptime> <bytes> <cas> [noreply]`. */
function parseCas(call: MemcachedCall): Parsed {
  const start = call.args[10]!;
  const cas = parseUnsigned(call.source.u8, start, start + call.args[11]!);
  call.request.hasCas = true;
  call.request.cas = Number(cas);
  if (Number.isNaN(call.request.cas)) {
    takeNoReply(call);
    return refuse(call, BAD_FORMAT);
  }
  return parseStore(call, StoreMode.Set);
}

/** Refuses what is too large, or when memory is full; the data block is then skipped. */
export function checkRoom(call: MemcachedCall): Parsed {
  const { request } = call;
  const tooLarge = isTooLarge(call, request.clientFlags, request.dataBytes);
  if (!tooLarge && call.makeRoom(request.dataBytes)) return Parsed.Run;
  request.swallowBytes = request.dataBytes + 2;
  call.countEvent(tooLarge ? MemcachedEvent.StoreTooLarge : MemcachedEvent.StoreNoMemory);
  call.reply.text(tooLarge ? 'SERVER_ERROR object too large for cache' : `${NO_MEMORY} storing object`);
  return request.mode === StoreMode.Set || request.isMeta ? Parsed.RefusedAndDropped : Parsed.Refused;
}

function storeCommand(call: MemcachedCall): void {
  const outcome = storeItem(call, false);
  if (outcome === Outcome.Done) call.reply.raw(STORED);
  else call.reply.text(storeError(outcome));
}

function storeError(outcome: Outcome): string {
  if (outcome === Outcome.NotStored) return 'NOT_STORED';
  if (outcome === Outcome.Exists) return 'EXISTS';
  if (outcome === Outcome.NotFound) return 'NOT_FOUND';
  return outcome === Outcome.OtherType ? OTHER_TYPE : `${NO_MEMORY} storing object`;
}

function parseDelta(call: MemcachedCall): Parsed {
  takeNoReply(call);
  if (!takeKey(call, 1)) return refuse(call, BAD_FORMAT);
  const start = call.args[4]!;
  call.request.delta = parseUnsigned(call.source.u8, start, start + call.args[5]!);
  if (Number.isNaN(Number(call.request.delta))) {
    return refuse(call, 'CLIENT_ERROR invalid numeric delta argument');
  }
  return Parsed.Run;
}

function incrCommand(call: MemcachedCall): void {
  const outcome = changeNumber(call, true);
  if (outcome === Outcome.NotFound) call.countEvent(MemcachedEvent.IncrementMisses);
  replyNumber(call, outcome);
}

function decrCommand(call: MemcachedCall): void {
  const outcome = changeNumber(call, false);
  if (outcome === Outcome.NotFound) call.countEvent(MemcachedEvent.DecrementMisses);
  replyNumber(call, outcome);
}

/** `addToNumber` for a key that may be missing or of another type; counts its hits. */
export function changeNumber(call: MemcachedCall, isIncrement: boolean): Outcome {
  const { key } = call;
  const record = call.keyspace.find(key);
  if (record === 0) return Outcome.NotFound;
  if (recordType(key.shard, record) !== ValueType.String) return Outcome.OtherType;
  // memcached: an empty value is no number whatever its cas number, and for others that comes first.
  if (valueBytes(key.shard, record) === 0) return Outcome.NotANumber;
  if (call.request.cas !== 0 && call.request.cas !== call.keyspace.ensureCas(key)) return Outcome.Exists;
  const outcome = addToNumber(call, isIncrement);
  if (outcome === Outcome.Done) {
    call.countEvent(isIncrement ? MemcachedEvent.IncrementHits : MemcachedEvent.DecrementHits);
  }
  return outcome;
}

/** The error text of `changeNumber`. */
export function numberError(outcome: Outcome): string {
  if (outcome === Outcome.NotANumber) return NOT_A_NUMBER;
  return outcome === Outcome.OtherType ? OTHER_TYPE : NO_MEMORY;
}

function replyNumber(call: MemcachedCall, outcome: Outcome): void {
  if (outcome === Outcome.Done) {
    call.reply.copy(scratchNumber.bytes, 0, scratchNumber.byteCount);
    call.reply.lineEnd();
  } else {
    call.reply.text(outcome === Outcome.NotFound ? 'NOT_FOUND' : numberError(outcome));
  }
}

function parseTouch(call: MemcachedCall): Parsed {
  takeNoReply(call);
  if (!takeKey(call, 1)) return refuse(call, BAD_FORMAT);
  const exptimeS = numberAt(call, 2);
  if (Number.isNaN(exptimeS)) return refuse(call, BAD_EXPTIME);
  call.request.whenMs = expiryOf(exptimeS, call.keyspace.nowMs);
  return Parsed.Run;
}

function touchCommand(call: MemcachedCall): void {
  call.reply.text(touchItem(call) ? 'TOUCHED' : 'NOT_FOUND');
}

/** `delete <key> [0] [noreply]`: the 0 was once a time to wait. */
function parseDelete(call: MemcachedCall): Parsed {
  const { count } = call;
  if (count > 2) {
    const isZero = call.text(2) === '0';
    takeNoReply(call);
    const isSilent = call.request.noReply;
    if (count === 3 ? !isZero && !isSilent : !isZero || !isSilent) return refuse(call, BAD_DELETE);
  }
  return takeKey(call, 1) ? Parsed.Run : refuse(call, BAD_FORMAT);
}

function deleteCommand(call: MemcachedCall): void {
  const isHit = call.keyspace.find(call.key) !== 0;
  call.countEvent(isHit ? MemcachedEvent.DeleteHits : MemcachedEvent.DeleteMisses);
  if (isHit) call.keyspace.remove(call.key);
  call.reply.text(isHit ? 'DELETED' : 'NOT_FOUND');
}
