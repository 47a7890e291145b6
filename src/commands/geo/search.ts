/** GEOSEARCH, GEORADIUS and their kin: members near a place, as a reply or as a new sorted set. */
import { PlaceList, searchPlaces } from '../../store/geo/search.ts';
import { ValueType } from '../../store/record.ts';
import { Aggregate, ScoredMembersBuilder, storeMembers } from '../../store/sorted-set/combining.ts';
import { Status } from '../../store/status.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import { isWord } from '../argument.ts';
import { OUT_OF_MEMORY } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, keysAfter, type KeySpec, type Row } from '../row.ts';
import { readTyped, WRONG } from '../typed-value.ts';
import { replyDistance, replyPlace } from './arguments.ts';
import { Form, parseSearch, type SearchRequest } from './search-request.ts';

const SOURCE = key(1, KeyFlag.ReadOnly | KeyFlag.Access);

function storeKeys(from: number): KeySpec[] {
  const flags = KeyFlag.Overwrite | KeyFlag.Update;
  return [SOURCE, keysAfter('STORE', from, flags), keysAfter('STOREDIST', from, flags)];
}

export const searchRows: readonly Row[] = [
  {
    name: 'GEOSEARCH',
    since: '6.2.0',
    arity: -7,
    flags: Flag.ReadOnly,
    acl: ['geo'],
    keys: [SOURCE],
    summary: 'Lists the members in a circle or a box.',
    run: (call) => searchCommand(call, Form.Search, false),
  },
  {
    name: 'GEOSEARCHSTORE',
    since: '6.2.0',
    arity: -8,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['geo'],
    keys: [key(1, KeyFlag.Overwrite | KeyFlag.Update), key(2, KeyFlag.ReadOnly | KeyFlag.Access)],
    grows: true,
    summary: 'Makes a sorted set of the members in a circle or a box.',
    run: (call) => searchCommand(call, Form.SearchStore, true),
  },
  {
    name: 'GEORADIUS',
    since: '3.2.0',
    arity: -6,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['geo'],
    keys: storeKeys(6),
    locksAll: namesSeveralStores,
    grows: true,
    deprecated: true,
    summary: 'Lists the members around a place, or makes a sorted set of them.',
    run: (call) => searchCommand(call, Form.Radius, true),
  },
  {
    name: 'GEORADIUS_RO',
    since: '3.2.10',
    arity: -6,
    flags: Flag.ReadOnly,
    acl: ['geo'],
    keys: [SOURCE],
    deprecated: true,
    summary: 'Lists the members around a place.',
    run: (call) => searchCommand(call, Form.Radius, false),
  },
  {
    name: 'GEORADIUSBYMEMBER',
    since: '3.2.0',
    arity: -5,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['geo'],
    keys: storeKeys(5),
    locksAll: namesSeveralStores,
    grows: true,
    deprecated: true,
    summary: 'Lists the members around one of them, or makes a sorted set of them.',
    run: (call) => searchCommand(call, Form.RadiusByMember, true),
  },
  {
    name: 'GEORADIUSBYMEMBER_RO',
    since: '3.2.10',
    arity: -5,
    flags: Flag.ReadOnly,
    acl: ['geo'],
    keys: [SOURCE],
    deprecated: true,
    summary: 'Lists the members around one of them.',
    run: (call) => searchCommand(call, Form.RadiusByMember, false),
  },
];

const scratchFound = new PlaceList();
const scratchText = new EntryText();

/** For the rows: of several keys to store at the last counts, while the specifications of keys find the first. */
function namesSeveralStores(call: Call): boolean {
  let storeCount = 0;
  for (let index = 5; index < call.count; index++) {
    if (isWord(call, index, 'STORE') || isWord(call, index, 'STOREDIST')) storeCount++;
  }
  return storeCount > 1;
}

function searchCommand(call: Call, form: Form, mayStore: boolean): void {
  const { key, reply } = call;
  if (form === Form.SearchStore) call.locate(2, key);
  const record = readTyped(call, key, ValueType.SortedSet);
  if (record === WRONG) return;
  const request = parseSearch(call, form, mayStore);
  if (request === null) return;
  const found = scratchFound;
  found.clear();
  const { count, isAny } = request;
  if (record !== 0) searchPlaces(key.shard, record, request.shape, isAny ? count : 0, found);
  // Redis: the first so many are the nearest, unless any will do.
  const isOrdered = request.isOrdered || (count !== 0 && !isAny);
  const order = isOrdered ? found.order(request.isDown) : null;
  const wanted = count === 0 ? found.count : Math.min(count, found.count);
  if (request.storeIndex === 0) replyPlaces(call, request, order, wanted);
  else if (storePlaces(call, request, order, wanted)) reply.integer(wanted);
  else reply.error(OUT_OF_MEMORY);
}

function replyPlaces(call: Call, request: SearchRequest, order: Uint32Array | null, wanted: number): void {
  const { reply } = call;
  const { withDistance, withHash, withPlace, shape } = request;
  const found = scratchFound;
  const detailCount = (withDistance ? 1 : 0) + (withHash ? 1 : 0) + (withPlace ? 1 : 0);
  reply.array(wanted);
  for (let i = 0; i < wanted; i++) {
    const index = order === null ? i : order[i]!;
    found.pointAt(index, scratchText);
    if (detailCount > 0) reply.array(detailCount + 1);
    reply.bulk(scratchText.bytes, scratchText.at, scratchText.byteCount);
    if (withDistance) replyDistance(reply, found.distances[index]! / shape.unitMetres);
    if (withHash) reply.integer(Math.trunc(found.scores[index]!));
    if (withPlace) replyPlace(reply, found.longitudes[index]!, found.latitudes[index]!);
  }
}

/** False, nothing changed: out of memory. */
function storePlaces(call: Call, request: SearchRequest, order: Uint32Array | null, wanted: number): boolean {
  const { otherKey, keyspace, args } = call;
  const found = scratchFound;
  const nameAt = args[request.storeIndex * 2]!;
  keyspace.locate(otherKey, call.source, nameAt, args[request.storeIndex * 2 + 1]!, call.database);
  const members = new ScoredMembersBuilder(keyspace, otherKey.shard);
  if (members.root === 0) return false;
  const { unitMetres } = request.shape;
  let isDone = true;
  for (let i = 0; i < wanted && isDone; i++) {
    const index = order === null ? i : order[i]!;
    found.pointAt(index, scratchText);
    const score = request.storeDistance ? found.distances[index]! / unitMetres : found.scores[index]!;
    isDone = members.accumulate(scratchText, score, Aggregate.Max);
  }
  if (!isDone || !members.order()) {
    members.dropUnordered();
    return false;
  }
  return storeMembers(keyspace, otherKey, members) === Status.Ok;
}
