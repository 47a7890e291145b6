/** BITOP: a string made of several, bit by bit. */
import { type BitSource, combineBits, Combination } from '../../store/bitmap/combination.ts';
import { Encoding, valueAt, valueBytes, ValueType } from '../../store/record.ts';
import { Status } from '../../store/status.ts';
import { OUT_OF_MEMORY, SYNTAX_ERROR } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { readTyped, WRONG } from '../typed-value.ts';

export const combineRows: readonly Row[] = [
  {
    name: 'BITOP',
    since: '2.6.0',
    arity: -4,
    flags: Flag.Write | Flag.DenyOom,
    acl: ['bitmap'],
    keys: [key(2, KeyFlag.Overwrite | KeyFlag.Update), key(3, KeyFlag.ReadOnly | KeyFlag.Access, -1)],
    grows: true,
    summary: 'Sets a key to several strings combined bit by bit.',
    run: bitopCommand,
  },
];

const WORDS: ReadonlyMap<string, Combination> = new Map([
  ['AND', Combination.And],
  ['OR', Combination.Or],
  ['XOR', Combination.Xor],
  ['NOT', Combination.Not],
  ['DIFF', Combination.Difference],
  ['DIFF1', Combination.OnlyOthers],
  ['ANDOR', Combination.AndAny],
  ['ONE', Combination.ExactlyOne],
]);
const ONE_SOURCE = 'ERR BITOP NOT must be called with a single source key.';
const FIRST_SOURCE = 3;

function bitopCommand(call: Call): void {
  const { count, reply } = call;
  const word = call.text(1).toUpperCase();
  const kind = WORDS.get(word);
  if (kind === undefined) return reply.error(SYNTAX_ERROR);
  if (kind === Combination.Not && count !== FIRST_SOURCE + 1) return reply.error(ONE_SOURCE);
  const isAboutFirst = kind >= Combination.Difference && kind <= Combination.AndAny;
  if (isAboutFirst && count < FIRST_SOURCE + 2) {
    return reply.error(`ERR BITOP ${word} must be called with at least two source keys.`);
  }
  const sources = readSources(call);
  if (sources === null) return;
  let byteCount = 0;
  for (const source of sources) byteCount = Math.max(byteCount, source.byteCount);
  if (storeCombination(call, kind, sources, byteCount)) reply.integer(byteCount);
  else reply.error(OUT_OF_MEMORY);
}

/** Null: one is no string, and the error has been replied. Records stay where they are until the result is entered. */
function readSources(call: Call): BitSource[] | null {
  const sources: BitSource[] = [];
  const { key } = call;
  for (let index = FIRST_SOURCE; index < call.count; index++) {
    call.locate(index, key);
    const record = readTyped(call, key, ValueType.String);
    if (record === WRONG) return null;
    const { shard } = key;
    const byteCount = record === 0 ? 0 : valueBytes(shard, record);
    sources.push({ shard, at: record === 0 ? 0 : valueAt(shard, record), byteCount });
  }
  return sources;
}

/** False, nothing changed: out of memory. */
function storeCombination(
  call: Call,
  kind: Combination,
  sources: readonly BitSource[],
  byteCount: number,
): boolean {
  const { key, keyspace } = call;
  call.locate(2, key);
  if (byteCount === 0) {
    if (keyspace.find(key) !== 0) keyspace.remove(key);
    return true;
  }
  // The destination may be a source too: it keeps its record until the result is complete.
  const record = keyspace.prepareRecord(key, 0, ValueType.String, Encoding.Raw, byteCount);
  if (record === 0) return false;
  combineBits(kind, sources, key.shard, valueAt(key.shard, record), byteCount);
  if (keyspace.enterRecord(key, record) !== Status.Ok) return false;
  keyspace.touched(key);
  return true;
}
