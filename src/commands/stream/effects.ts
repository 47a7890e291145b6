/** What the stream commands have done that depend on the clock, on how streams are stored, or on who has read. */
import { Bytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';
import type { Key } from '../../store/key.ts';
import { recordType, rootOf, ValueType } from '../../store/record.ts';
import {
  entriesRead,
  findConsumer,
  findGroup,
  findInGroup,
  groupLastId,
} from '../../structures/stream/groups.ts';
import type { Name } from '../../structures/stream/named-blocks.ts';
import { Pending } from '../../structures/stream/pending-list.ts';
import { formatId, ID_BYTES_MAX, StreamId } from '../../structures/stream/stream-id.ts';
import { hasEntry, readStreamId, Stream, streamLength } from '../../structures/stream/stream-log.ts';
import { isWord } from '../argument.ts';
import { type EffectSink, findArgument, putArgument, putArguments, putKey, ReplyScan } from '../effect.ts';
import type { Call } from '../row.ts';
import { isId, isSymbol, type MutableName, nameArgument, parseIdText } from './arguments.ts';

const scratchText = Bytes.allocate(ID_BYTES_MAX);
const scratchId = new StreamId();
const scratchGroup: MutableName = { bytes: null as never, at: 0, byteCount: 0 };
const scratchConsumer: MutableName = { bytes: null as never, at: 0, byteCount: 0 };

function putId(id: StreamId, out: EffectSink): void {
  out.bytes(scratchText, 0, formatId(scratchText.u8, 0, id));
}

function putName({ bytes, at, byteCount }: Name, out: EffectSink): void {
  out.bytes(bytes, at, byteCount);
}

/** The root of the stream at argument `index`, or 0. */
function locateStream(call: Call, index: number): number {
  return streamAt(call.key, findArgument(call, index));
}

function streamAt({ shard }: Key, record: number): number {
  return record !== 0 && recordType(shard, record) === ValueType.Stream ? rootOf(shard, record) : 0;
}

/** XADD with the id it chose, and trimming to what it has left; XTRIM the same. */
export function trimEffect(call: Call, out: EffectSink): void {
  const isAdd = isWord(call, 0, 'XADD');
  const reply = new ReplyScan(call);
  if (isAdd && !reply.bulk()) return;
  const end = isAdd ? idIndex(call) : call.count;
  const parts = trimmingParts(call, end);
  const root = parts.some(({ isBound }) => isBound) ? locateStream(call, 1) : 0;
  out.begin(2 + parts.length + call.count - end);
  putArguments(call, 0, 2, out);
  for (const { index, text, isBound } of parts) {
    if (isBound) putBound(call, root, index, out);
    else if (text !== '') out.word(text);
    else putArgument(call, index, out);
  }
  if (!isAdd) return;
  out.bytes(reply.bytes, reply.at, reply.byteCount);
  putArguments(call, end + 1, call.count, out);
}

interface Part {
  readonly index: number;
  readonly text: string;
  /** What stands behind an approximate MAXLEN (index of that word) or MINID. */
  readonly isBound: boolean;
}

/** The options before argument `end`, with exact trimming in the place of approximate. */
function trimmingParts(call: Call, end: number): Part[] {
  const parts: Part[] = [];
  const plain = (index: number): number => parts.push({ index, text: '', isBound: false });
  for (let index = 2; index < end; index++) {
    if (isWord(call, index, 'LIMIT')) index++;
    else if (!isWord(call, index, 'MAXLEN') && !isWord(call, index, 'MINID')) plain(index);
    else if (isSymbol(call, index + 1, '~')) {
      plain(index);
      parts.push({ index, text: '=', isBound: false }, { index, text: '', isBound: true });
      index += 2;
    } else {
      plain(index);
      if (isSymbol(call, index + 1, '=')) plain(++index);
      plain(++index);
    }
  }
  return parts;
}

/** What an approximate bound, whose word is argument `index`, has come to. */
function putBound(call: Call, root: number, index: number, out: EffectSink): void {
  const { shard } = call.key;
  if (isWord(call, index, 'MAXLEN')) return out.word(`${root === 0 ? 0 : streamLength(shard, root)}`);
  // Where nothing is left, all were before it.
  scratchId.setMax();
  if (root !== 0 && streamLength(shard, root) > 0) readStreamId(shard, root, Stream.FirstId, scratchId);
  putId(scratchId, out);
}

/** Where the id of XADD stands: behind the options. */
function idIndex(call: Call): number {
  for (let index = 2; index < call.count; index++) {
    if (isWord(call, index, 'MAXLEN') || isWord(call, index, 'MINID')) {
      index += isSymbol(call, index + 1, '~') || isSymbol(call, index + 1, '=') ? 2 : 1;
    } else if (isWord(call, index, 'LIMIT')) index++;
    else if (isSymbol(call, index, '*') || isId(call, index, scratchId) || isOpen(call, index)) return index;
  }
  return call.count;
}

/** `ms-*`. */
function isOpen({ source, args }: Call, index: number): boolean {
  const end = args[index * 2]! + args[index * 2 + 1]!;
  return source.u8[end - 1] === 0x2a && source.u8[end - 2] === 0x2d;
}

/** A group as requests name it. */
interface Reading {
  readonly key: Key;
  readonly group: Name;
  readonly consumer: Name;
}

/** Entries of a group as they are pending now: whose, since when, how often given. */
function putPending(reading: Reading, root: number, ids: readonly StreamId[], out: EffectSink): void {
  const { shard } = reading.key;
  const group = findGroup(shard, root, reading.group);
  const consumer = group === 0 ? 0 : findConsumer(shard, group, reading.consumer);
  if (consumer === 0) return;
  // Many have been given at one time, equally often: they make one request.
  const alike = new Map<string, StreamId[]>();
  for (const id of ids) {
    const entry = findInGroup(shard, group, id);
    if (entry === 0 || shard.words[entry + Pending.Consumer] !== consumer) continue;
    if (!hasEntry(shard, root, id)) continue;
    const deliveredMs = shard.doubles[(entry + Pending.DeliveredMs) >> 1]!;
    const how = `${deliveredMs} ${shard.words[entry + Pending.Times]!}`;
    const same = alike.get(how);
    if (same === undefined) alike.set(how, [id]);
    else same.push(id);
  }
  for (const [how, same] of alike) putClaim(reading, shard, group, how, same, out);
}

function putClaim(
  { key, group: groupName, consumer }: Reading,
  shard: Shard,
  group: number,
  how: string,
  ids: readonly StreamId[],
  out: EffectSink,
): void {
  const [deliveredMs, times] = how.split(' ');
  out.begin(13 + ids.length);
  out.word('XCLAIM');
  putKey(key, out);
  putName(groupName, out);
  putName(consumer, out);
  out.word('0');
  for (const id of ids) putId(id, out);
  for (const word of ['TIME', deliveredMs!, 'RETRYCOUNT', times!, 'FORCE', 'JUSTID', 'LASTID'])
    out.word(word);
  groupLastId(shard, group, scratchId);
  putId(scratchId, out);
}

function putAcknowledged({ key, group }: Reading, id: StreamId, out: EffectSink): void {
  out.begin(4);
  out.word('XACK');
  putKey(key, out);
  putName(group, out);
  putId(id, out);
}

function putConsumer({ key, group, consumer }: Reading, out: EffectSink): void {
  out.begin(5);
  for (const word of ['XGROUP', 'CREATECONSUMER']) out.word(word);
  putKey(key, out);
  putName(group, out);
  putName(consumer, out);
}

/** How far the group has read. */
function putGroupPosition({ key, group: name }: Reading, root: number, out: EffectSink): void {
  const { shard } = key;
  const group = findGroup(shard, root, name);
  if (group === 0) return;
  out.begin(7);
  for (const word of ['XGROUP', 'SETID']) out.word(word);
  putKey(key, out);
  putName(name, out);
  groupLastId(shard, group, scratchId);
  putId(scratchId, out);
  out.word('ENTRIESREAD');
  out.word(`${entriesRead(shard, group)}`);
}

/** The next id of a reply, as an object of its own. Null: none stands there. */
function scanId(reply: ReplyScan): StreamId | null {
  if (!reply.bulk()) return null;
  const id = new StreamId();
  return parseIdText(reply.bytes.u8, reply.at, reply.byteCount, id) ? id : null;
}

/** The ids of the entries in a reply of them. */
function scanEntryIds(reply: ReplyScan): StreamId[] {
  const ids: StreamId[] = [];
  const count = reply.array();
  for (let i = 0; i < count; i++) {
    const parts = reply.array();
    const id = scanId(reply);
    if (id !== null) ids.push(id);
    // With CLAIM there are two more.
    for (let part = 1; part < parts; part++) reply.skip();
  }
  return ids;
}

/** One stream that a consumer has read, which it is only there for if it got an answer. */
function putRead(reading: Reading, root: number, ids: readonly StreamId[], out: EffectSink): void {
  const { shard } = reading.key;
  const group = findGroup(shard, root, reading.group);
  if (group === 0 || findConsumer(shard, group, reading.consumer) === 0) return;
  putConsumer(reading, out);
  putPending(reading, root, ids, out);
  putGroupPosition(reading, root, out);
}

/** What XREADGROUP has replied is what it has given. */
export function readGroupEffect(call: Call, out: EffectSink): void {
  let index = 1;
  while (!isWord(call, index, 'GROUP')) index += isWord(call, index, 'NOACK') ? 1 : 2;
  const group = nameArgument(call, index + 1, scratchGroup);
  const consumer = nameArgument(call, index + 2, scratchConsumer);
  let first = index + 3;
  while (!isWord(call, first, 'STREAMS')) first += isWord(call, first, 'NOACK') ? 1 : 2;
  first++;
  const given = new Map<string, StreamId[]>();
  const reply = new ReplyScan(call);
  const isMap = call.reply.version === 3;
  const count = isMap ? reply.array() / 2 : reply.array();
  for (let i = 0; i < count; i++) {
    if (!isMap) reply.array();
    if (!reply.bulk()) break;
    const name = reply.bytes.u8.toString('latin1', reply.at, reply.at + reply.byteCount);
    given.set(name, [...(given.get(name) ?? []), ...scanEntryIds(reply)]);
  }
  const end = first + ((call.count - first) >> 1);
  for (let at = first; at < end; at++) {
    const root = locateStream(call, at);
    if (root === 0) continue;
    const start = call.args[at * 2]!;
    const name = call.source.u8.toString('latin1', start, start + call.args[at * 2 + 1]!);
    putRead({ key: call.key, group, consumer }, root, given.get(name) ?? [], out);
  }
}

/** What was given to one that has waited: `reply` begins at its start. */
export function servedReadEffect(
  { key, group, consumer }: Reading,
  reply: Call['reply'],
  out: EffectSink,
): void {
  const root = streamAt(key, key.record);
  if (root === 0) return;
  const scan = new ReplyScan({ reply, replyStart: 0 });
  if (scan.array() <= 0) return;
  if (reply.version === 2) scan.array();
  if (!scan.bulk()) return;
  putRead({ key, group, consumer }, root, scanEntryIds(scan), out);
}

export function xclaimEffect(call: Call, out: EffectSink): void {
  const root = locateStream(call, 1);
  if (root === 0 || new ReplyScan(call).array() < 0) return;
  const group = nameArgument(call, 2, scratchGroup);
  const reading = { key: call.key, group, consumer: nameArgument(call, 3, scratchConsumer) };
  const ids: StreamId[] = [];
  for (let index = 5; index < call.count; index++) {
    const id = new StreamId();
    if (!isId(call, index, id)) break;
    if (hasEntry(call.key.shard, root, id)) ids.push(id);
    else putAcknowledged(reading, id, out);
  }
  putPending(reading, root, ids, out);
  putGroupPosition(reading, root, out);
}

export function xautoclaimEffect(call: Call, out: EffectSink): void {
  const root = locateStream(call, 1);
  const reply = new ReplyScan(call);
  if (root === 0 || reply.array() < 0) return;
  const group = nameArgument(call, 2, scratchGroup);
  const reading = { key: call.key, group, consumer: nameArgument(call, 3, scratchConsumer) };
  reply.skip();
  let idsOnly = false;
  for (let index = 6; index < call.count; index++) {
    if (isWord(call, index, 'JUSTID')) idsOnly = true;
    else index++;
  }
  const claimed = idsOnly ? scanIds(reply) : scanEntryIds(reply);
  for (const id of scanIds(reply)) putAcknowledged(reading, id, out);
  putPending(reading, root, claimed, out);
}

function scanIds(reply: ReplyScan): StreamId[] {
  const count = reply.array();
  const ids = Array.from({ length: Math.max(count, 0) }, () => scanId(reply));
  return ids.filter((id) => id !== null);
}
