/** What the hash commands have done that depend on the clock. */
import { fieldTime } from '../../store/hash/hash.ts';
import { RecordFlag, recordFlags } from '../../store/record.ts';
import { isWord } from '../argument.ts';
import { type EffectSink, findArgument, putArgument, putKey, ReplyScan } from '../effect.ts';
import type { Call } from '../row.ts';
import { argumentElement } from './value.ts';

/** Where the fields stand. */
interface Fields {
  readonly first: number;
  readonly count: number;
}

function fieldsOf(call: Call): Fields {
  let index = 2;
  while (index < call.count && !isWord(call, index, 'FIELDS')) index++;
  return { first: index + 2, count: Number(call.text(index + 1)) };
}

/** The time of the field at argument `index`: 0 none, -1 there is no such field. */
function timeOf(call: Call, index: number): number {
  const { key, keyspace } = call;
  return key.record === 0 ? -1 : fieldTime(keyspace, key, argumentElement(call, index));
}

/** Those of the fields that have the time `timeMs`, as one request; -1 for those that are gone. */
function putFields(call: Call, indexes: readonly number[], timeMs: number, out: EffectSink): void {
  if (indexes.length === 0) return;
  if (timeMs < 0) {
    out.begin(2 + indexes.length);
    out.word('HDEL');
    putKey(call.key, out);
  } else {
    out.begin((timeMs === 0 ? 4 : 5) + indexes.length);
    out.word(timeMs === 0 ? 'HPERSIST' : 'HPEXPIREAT');
    putKey(call.key, out);
    if (timeMs !== 0) out.word(`${timeMs}`);
    out.word('FIELDS');
    out.word(`${indexes.length}`);
  }
  for (const index of indexes) putArgument(call, index, out);
}

/** Of HEXPIRE and its kin and HGETEX: the fields named have other times, or are gone. */
export function timesEffect(call: Call, out: EffectSink): void {
  findArgument(call, 1);
  const { first, count } = fieldsOf(call);
  const byTime = new Map<number, number[]>();
  for (let index = first; index < first + count; index++) {
    const timeMs = timeOf(call, index);
    const same = byTime.get(timeMs);
    if (same === undefined) byTime.set(timeMs, [index]);
    else same.push(index);
  }
  for (const [timeMs, indexes] of byTime) putFields(call, indexes, timeMs, out);
}

export function hsetexEffect(call: Call, out: EffectSink): void {
  if (new ReplyScan(call).integer() !== 1) return;
  findArgument(call, 1);
  const { first, count } = fieldsOf(call);
  for (let index = first; index < first + count * 2; index += 2) {
    const timeMs = timeOf(call, index);
    if (timeMs < 0) {
      putFields(call, [index], timeMs, out);
      continue;
    }
    out.begin(timeMs === 0 ? 4 : 8);
    out.word(timeMs === 0 ? 'HSET' : 'HSETEX');
    putKey(call.key, out);
    if (timeMs !== 0) {
      for (const word of ['PXAT', `${timeMs}`, 'FIELDS', '1']) out.word(word);
    }
    putArgument(call, index, out);
    putArgument(call, index + 1, out);
  }
}

export function hgetdelEffect(call: Call, out: EffectSink): void {
  findArgument(call, 1);
  const { first, count } = fieldsOf(call);
  putFields(
    call,
    Array.from({ length: count }, (_, place) => first + place),
    -1,
    out,
  );
}

export function hincrbyfloatEffect(call: Call, out: EffectSink): void {
  const reply = new ReplyScan(call);
  if (!reply.bulk()) return;
  findArgument(call, 1);
  const { key } = call;
  // HSET would take away the time of the field.
  const isTimed = (recordFlags(key.shard, key.record) & RecordFlag.FieldExpiry) !== 0;
  out.begin(isTimed ? 7 : 4);
  out.word(isTimed ? 'HSETEX' : 'HSET');
  putKey(key, out);
  if (isTimed) for (const word of ['KEEPTTL', 'FIELDS', '1']) out.word(word);
  putArgument(call, 2, out);
  out.bytes(reply.bytes, reply.at, reply.byteCount);
}
