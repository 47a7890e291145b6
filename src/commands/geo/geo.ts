/** Places on the earth: members of a sorted set whose scores are geohashes. Searches are in search.ts. */
import { distance, encodePlace, geohashText } from '../../base/geohash.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import { ValueType } from '../../store/record.ts';
import { hasRoomForMembers, Put, putScore, When } from '../../store/sorted-set/sorted-set.ts';
import { isWord } from '../argument.ts';
import { OUT_OF_MEMORY, SYNTAX_ERROR } from '../replies.ts';
import { type Call, type Family, Flag, key, KeyFlag, type Row } from '../row.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';
import { parsePlace, parseUnit, placeOfMember, replyDistance, replyPlace } from './arguments.ts';
import { searchRows } from './search.ts';

const placeRows: readonly Row[] = [
  {
    name: 'GEOADD',
    since: '3.2.0',
    arity: -5,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['geo'],
    keys: [key(1, KeyFlag.ReadWrite | KeyFlag.Update)],
    summary: 'Adds members with their places to a sorted set.',
    run: geoaddCommand,
  },
  {
    name: 'GEODIST',
    since: '3.2.0',
    arity: -4,
    flags: Flag.ReadOnly,
    acl: ['geo'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns how far two members are from each other.',
    run: geodistCommand,
  },
  {
    name: 'GEOHASH',
    since: '3.2.0',
    arity: -2,
    flags: Flag.ReadOnly,
    acl: ['geo'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the geohashes of members as text.',
    run: geohashCommand,
  },
  {
    name: 'GEOPOS',
    since: '3.2.0',
    arity: -2,
    flags: Flag.ReadOnly,
    acl: ['geo'],
    keys: [key(1, KeyFlag.ReadOnly | KeyFlag.Access)],
    summary: 'Returns the longitudes and latitudes of members.',
    run: geoposCommand,
  },
];

export const geoFamily: Family = { group: 'geo', rows: [...placeRows, ...searchRows] };

/** GEOADD's CH, beside the flags of When. */
const CHANGED = 1 << 8;
const scratchPlace = { longitude: 0, latitude: 0 };
const scratchOther = { longitude: 0, latitude: 0 };

function geoaddCommand(call: Call): void {
  const { reply, count, key, keyspace } = call;
  let options = 0;
  let first = 2;
  for (; first < count; first++) {
    const option = optionAt(call, first);
    if (option === 0) break;
    options |= option;
  }
  const isBoth = (options & When.Missing) !== 0 && (options & When.Existing) !== 0;
  if (first === count || (count - first) % 3 !== 0 || isBoth) return reply.error(SYNTAX_ERROR);
  const scores = parseScores(call, first);
  if (scores === null) return;
  if (findTyped(call, key, ValueType.SortedSet) === WRONG) return;
  if (!haveRoom(call, keyspace, first)) return reply.error(OUT_OF_MEMORY);
  putPlaces(call, first, scores, options);
}

function optionAt(call: Call, index: number): number {
  if (isWord(call, index, 'NX')) return When.Missing;
  if (isWord(call, index, 'XX')) return When.Existing;
  return isWord(call, index, 'CH') ? CHANGED : 0;
}

/** Null: a place is none, and the error has been replied. */
function parseScores(call: Call, first: number): Float64Array | null {
  const scores = new Float64Array((call.count - first) / 3);
  for (let i = 0; i < scores.length; i++) {
    if (!parsePlace(call, first + i * 3, scratchPlace)) return null;
    scores[i] = encodePlace(scratchPlace.longitude, scratchPlace.latitude);
  }
  return scores;
}

/** Whether all the members can be put, so that none is where not all are. */
function haveRoom(call: Call, keyspace: Keyspace, first: number): boolean {
  let byteCount = 0;
  let byteCountMax = 0;
  for (let index = first + 2; index < call.count; index += 3) {
    const bytes = call.args[index * 2 + 1]!;
    byteCount += bytes;
    byteCountMax = Math.max(byteCountMax, bytes);
  }
  const memberCount = (call.count - first) / 3;
  return memberCount === 1 || hasRoomForMembers(keyspace, call.key, memberCount, byteCount, byteCountMax);
}

function putPlaces(call: Call, first: number, scores: Float64Array, options: number): void {
  const { reply, key, keyspace, source, args } = call;
  let addedCount = 0;
  let updatedCount = 0;
  for (let i = 0; i < scores.length; i++) {
    const member = (first + i * 3 + 2) * 2;
    const outcome = putScore(keyspace, key, source, args[member]!, args[member + 1]!, scores[i]!, options);
    if (outcome === Put.OutOfMemory) return reply.error(OUT_OF_MEMORY);
    if (outcome === Put.Added) addedCount++;
    else if (outcome === Put.Updated) updatedCount++;
  }
  if (addedCount + updatedCount > 0) keyspace.touched(key);
  reply.integer((options & CHANGED) !== 0 ? addedCount + updatedCount : addedCount);
}

function geodistCommand(call: Call): void {
  const { reply, key, count } = call;
  const unitMetres = count === 5 ? parseUnit(call, 4) : 1;
  if (unitMetres !== unitMetres) return;
  if (count > 5) return reply.error(SYNTAX_ERROR);
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  const [a, b] = [scratchPlace, scratchOther];
  if (record === 0 || !placeOfMember(call, key, 2, a) || !placeOfMember(call, key, 3, b)) return reply.nil();
  replyDistance(reply, distance(a.longitude, a.latitude, b.longitude, b.latitude) / unitMetres);
}

function geohashCommand(call: Call): void {
  const { reply, key, count } = call;
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  reply.array(count - 2);
  for (let index = 2; index < count; index++) {
    if (record === 0 || !placeOfMember(call, key, index, scratchPlace)) reply.nil();
    else reply.bulkText(geohashText(scratchPlace));
  }
}

function geoposCommand(call: Call): void {
  const { reply, key, count } = call;
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  reply.array(count - 2);
  for (let index = 2; index < count; index++) {
    if (record === 0 || !placeOfMember(call, key, index, scratchPlace)) reply.nilArray();
    else replyPlace(reply, scratchPlace.longitude, scratchPlace.latitude);
  }
}
