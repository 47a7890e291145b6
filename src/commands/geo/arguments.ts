/** Places, lengths and units as arguments and replies of the geo commands. */
import { parseFloatStrict } from '../../base/double.ts';
import { formatFixed, formatHuman } from '../../base/fixed.ts';
import { decodePlace, LATITUDE_MAX, LONGITUDE_MAX, type Place } from '../../base/geohash.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import type { Key } from '../../store/key.ts';
import { findScore } from '../../store/sorted-set/sorted-set.ts';
import { isWord } from '../argument.ts';
import { NOT_A_FLOAT } from '../replies.ts';
import type { Call } from '../row.ts';

const NO_UNIT = 'ERR unsupported unit provided. please use M, KM, FT, MI';

/** Argument `index` as a double, or NaN: it is none. */
export function doubleArgument(call: Call, index: number): number {
  const at = call.args[index * 2]!;
  return parseFloatStrict(call.source.u8, at, at + call.args[index * 2 + 1]!);
}

/** Reads a longitude and the latitude behind it. False: the error has been replied. */
export function parsePlace(call: Call, index: number, into: Place): boolean {
  const longitude = doubleArgument(call, index);
  const latitude = longitude === longitude ? doubleArgument(call, index + 1) : NaN;
  if (latitude !== latitude) {
    call.reply.error(NOT_A_FLOAT);
    return false;
  }
  if (Math.abs(longitude) > LONGITUDE_MAX || Math.abs(latitude) > LATITUDE_MAX) {
    const pair = `${formatFixed(longitude, 6)},${formatFixed(latitude, 6)}`;
    call.reply.error(`ERR invalid longitude,latitude pair ${pair}`);
    return false;
  }
  into.longitude = longitude;
  into.latitude = latitude;
  return true;
}

/** The metres of the unit that argument `index` names, or NaN: the error has been replied. */
export function parseUnit(call: Call, index: number): number {
  if (isWord(call, index, 'M')) return 1;
  if (isWord(call, index, 'KM')) return 1000;
  if (isWord(call, index, 'FT')) return 0.3048;
  if (isWord(call, index, 'MI')) return 1609.34;
  call.reply.error(NO_UNIT);
  return NaN;
}

/** Sets `into` to where a member of the sorted set found under `key` is. False: it is none. */
export function placeOfMember(call: Call, key: Key, index: number, into: Place): boolean {
  const { args } = call;
  const score = findScore(call.keyspace, key, call.source, args[index * 2]!, args[index * 2 + 1]!);
  if (score !== score) return false;
  decodePlace(score, into);
  return true;
}

/** Redis: a distance has four decimals, and is text whatever the protocol. */
export function replyDistance(reply: RespWriter, units: number): void {
  reply.bulkText(formatFixed(units, 4));
}

/** Redis: coordinates are written as long doubles are, with all their decimals. */
export function replyPlace(reply: RespWriter, longitude: number, latitude: number): void {
  reply.array(2);
  replyCoordinate(reply, longitude);
  replyCoordinate(reply, latitude);
}

function replyCoordinate(reply: RespWriter, value: number): void {
  const text = formatHuman(value);
  if (reply.version === 3) reply.text(`,${text}\r\n`);
  else reply.bulkText(text);
}
