/** The flags of memcached's meta commands: single letters, some with a token behind them. */
import { decodeBase64 } from '../../protocol/memcache-reader.ts';
import { parseSigned, parseUnsigned } from '../../protocol/memcache-number.ts';
import { BAD_FORMAT, expiryOf } from './request.ts';
import type { MemcachedCall } from './row.ts';

export const enum Letter {
  Cas = 0x63,
  ClientFlags = 0x66,
  Hit = 0x68,
  Key = 0x6b,
  LastAccess = 0x6c,
  NoReply = 0x71,
  Size = 0x73,
  TimeLeft = 0x74,
  QuietRead = 0x75,
  Value = 0x76,
  Binary = 0x62,
  CompareCas = 0x43,
  Delta = 0x44,
  NewCas = 0x45,
  NewClientFlags = 0x46,
  Invalidate = 0x49,
  Initial = 0x4a,
  ForProxies = 0x4c,
  Mode = 0x4d,
  Vivify = 0x4e,
  Opaque = 0x4f,
  ForProxiesToo = 0x50,
  Recache = 0x52,
  Expiry = 0x54,
  /** In replies only. */
  Won = 0x57,
  Stale = 0x58,
  Taken = 0x5a,
}

/** Longest opaque token, its letter included. */
const OPAQUE_BYTES_MAX = 32;
const LETTERS = 127;
const BAD_TOKEN = 'CLIENT_ERROR bad token in command line format';

/** What the flags of the meta command being run ask for. */
export const scratchMeta = {
  firstFlag: 2,
  isBinaryKey: false,
  wantsValue: false,
  /** u: reading leaves no trace. */
  isQuietRead: false,
  /** N: a missing item is created. */
  isVivifying: false,
  stubExpiryMs: 0,
  /** T */
  hasExpiry: false,
  expiryMs: 0,
  /** R */
  recacheMs: 0,
  /** I */
  isInvalidating: false,
  clientFlags: 0,
  /** M: one letter; S when there is none. */
  mode: 'S',
  /** S was sent: it is no mode of `ma`. */
  hasModeS: false,
  delta: 1 as number | bigint,
  initial: 0 as number | bigint,
  /** E: the item's next cas number, 0 for one of our own. */
  newCas: 0,
  /** The error is of a flag, not of the line. */
  isFlagError: false,
};

const scratchSeen = new Uint8Array(LETTERS);

function clearMeta(firstFlag: number): void {
  const meta = scratchMeta;
  meta.firstFlag = firstFlag;
  meta.isBinaryKey = false;
  meta.wantsValue = false;
  meta.isQuietRead = false;
  meta.isVivifying = false;
  meta.stubExpiryMs = 0;
  meta.hasExpiry = false;
  meta.expiryMs = 0;
  meta.recacheMs = 0;
  meta.isInvalidating = false;
  meta.clientFlags = 0;
  meta.mode = 'S';
  meta.hasModeS = false;
  meta.delta = 1;
  meta.initial = 0;
  meta.newCas = 0;
  meta.isFlagError = false;
  scratchSeen.fill(0);
}

/**
 * Reads the flags from token `firstFlag` up to `end` into `scratchMeta` and the request, and decodes the key if they
 * say so. Returns why they are wrong, or ''. memcached: an unknown or repeated flag is told at once, of other errors
 * the last.
 */
export function parseMetaFlags(call: MemcachedCall, firstFlag: number, end = call.count): string {
  clearMeta(firstFlag);
  let error = '';
  for (let i = firstFlag; i < end; i++) {
    const letter = call.source.u8[call.args[i * 2]!]!;
    scratchMeta.isFlagError = true;
    if (letter >= LETTERS || scratchSeen[letter] !== 0) return 'CLIENT_ERROR duplicate flag';
    scratchSeen[letter] = 1;
    const wrong = takeFlag(call, letter, i);
    if (wrong === UNKNOWN_FLAG) return wrong;
    if (wrong !== '') error = wrong;
    scratchMeta.isFlagError = error !== '';
  }
  if (error === '' && scratchSeen[Letter.Opaque] !== 0 && isOpaqueTooLong(call, firstFlag)) {
    return 'CLIENT_ERROR opaque token too long';
  }
  return error;
}

const UNKNOWN_FLAG = 'CLIENT_ERROR invalid flag';

function takeFlag(call: MemcachedCall, letter: number, index: number): string {
  const meta = scratchMeta;
  const { request } = call;
  switch (letter) {
    case Letter.Binary:
      return decodeKey(call);
    case Letter.Value:
      meta.wantsValue = true;
      return '';
    case Letter.QuietRead:
      meta.isQuietRead = true;
      return '';
    case Letter.NoReply:
      request.noReply = true;
      return '';
    case Letter.Invalidate:
      meta.isInvalidating = true;
      return '';
    case Letter.Mode:
      return takeMode(call, index);
    case Letter.Key:
    case Letter.Size:
    case Letter.TimeLeft:
    case Letter.Cas:
    case Letter.ClientFlags:
    case Letter.LastAccess:
    case Letter.Hit:
    case Letter.Opaque:
    case Letter.ForProxies:
    case Letter.ForProxiesToo:
      return '';
    default:
      return takeNumberFlag(call, letter, index);
  }
}

function takeNumberFlag(call: MemcachedCall, letter: number, index: number): string {
  const { u8 } = call.source;
  const start = call.args[index * 2]! + 1;
  const end = start - 1 + call.args[index * 2 + 1]!;
  switch (letter) {
    case Letter.Vivify:
    case Letter.Expiry:
    case Letter.Recache:
      return takeTime(letter, parseSigned(u8, start, end), call.keyspace.nowMs);
    case Letter.CompareCas:
    case Letter.NewCas:
      return takeCas(call, letter, Number(parseUnsigned(u8, start, end)));
    case Letter.NewClientFlags: {
      const value = parseSigned(u8, start, end);
      scratchMeta.clientFlags = value >>> 0;
      return value >= 0 ? '' : BAD_FORMAT;
    }
    case Letter.Initial:
      scratchMeta.initial = parseUnsigned(u8, start, end);
      return Number.isNaN(Number(scratchMeta.initial)) ? 'CLIENT_ERROR invalid numeric initial value' : '';
    case Letter.Delta:
      scratchMeta.delta = parseUnsigned(u8, start, end);
      return Number.isNaN(Number(scratchMeta.delta)) ? 'CLIENT_ERROR invalid numeric delta value' : '';
    default:
      return UNKNOWN_FLAG;
  }
}

function takeTime(letter: number, seconds: number, nowMs: number): string {
  if (Number.isNaN(seconds)) return BAD_TOKEN;
  const when = expiryOf(seconds, nowMs);
  if (letter === Letter.Recache) {
    scratchMeta.recacheMs = when;
  } else if (letter === Letter.Vivify) {
    scratchMeta.isVivifying = true;
    scratchMeta.stubExpiryMs = when;
  } else {
    scratchMeta.hasExpiry = true;
    scratchMeta.expiryMs = when;
  }
  return '';
}

/** Our cas numbers are exact up to 2^53: a larger one matches nothing, and cannot be set. */
function takeCas(call: MemcachedCall, letter: number, cas: number): string {
  if (Number.isNaN(cas)) return BAD_TOKEN;
  if (letter === Letter.NewCas) {
    scratchMeta.newCas = cas;
    return cas <= Number.MAX_SAFE_INTEGER ? '' : BAD_TOKEN;
  }
  call.request.hasCas = true;
  call.request.cas = cas;
  return '';
}

function takeMode(call: MemcachedCall, index: number): string {
  const token = call.text(index);
  if (token.length !== 2) return 'CLIENT_ERROR incorrect length for M token';
  scratchMeta.mode = token[1]!;
  scratchMeta.hasModeS = token === 'MS';
  return '';
}

function decodeKey(call: MemcachedCall): string {
  const { request } = call;
  const { scratchKey } = request;
  const byteCount = decodeBase64(request.keySource.u8, request.keyAt, request.keyBytes, scratchKey.u8);
  scratchMeta.isBinaryKey = true;
  if (byteCount === 0) return 'CLIENT_ERROR error decoding key';
  request.keySource = scratchKey;
  request.keyAt = 0;
  request.keyBytes = byteCount;
  return '';
}

function isOpaqueTooLong(call: MemcachedCall, firstFlag: number): boolean {
  for (let i = firstFlag; i < call.count; i++) {
    const isOpaque = call.source.u8[call.args[i * 2]!] === Letter.Opaque;
    if (isOpaque && call.args[i * 2 + 1]! > OPAQUE_BYTES_MAX) return true;
  }
  return false;
}
