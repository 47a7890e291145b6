/** What the hash commands share: finding a value that must be a hash, and its arguments as elements. */
import type { Key } from '../../store/key.ts';
import { ValueType } from '../../store/record.ts';
import { Element, encodeElement, EntryText } from '../../structures/packed-entry.ts';
import type { Call } from '../row.ts';
import { findTyped, readTyped, WRONG } from '../typed-value.ts';

/** Instead of a record: the key holds another type, and the error has been replied. */
export const NOT_A_HASH = WRONG;

/** The record of the hash at `key`, 0 when there is none, or NOT_A_HASH. */
export function findHash(call: Call, key: Key): number {
  return findTyped(call, key, ValueType.Hash);
}

/** `findHash` for a command that reads the value: counts as a hit or a miss, and as an access. */
export function readHash(call: Call, key: Key): number {
  return readTyped(call, key, ValueType.Hash);
}

const scratchElement = new Element();
const scratchOther = new Element();
/** The value that was last found. */
export const scratchText = new EntryText();

/** Argument `index` as an element: the same object for every call. */
export function argumentElement(call: Call, index: number): Element {
  encodeElement(scratchElement, call.source, call.args[index * 2]!, call.args[index * 2 + 1]!);
  return scratchElement;
}

/** A second one. */
export function otherElement(call: Call, index: number): Element {
  encodeElement(scratchOther, call.source, call.args[index * 2]!, call.args[index * 2 + 1]!);
  return scratchOther;
}

export function replyText(call: Call, text: EntryText): void {
  call.reply.bulk(text.bytes, text.at, text.byteCount);
}

/** Bytes from the first of some arguments to the last. */
export function textBytes(call: Call, from: number, end: number): number {
  const { args } = call;
  return args[end * 2 - 2]! + args[end * 2 - 1]! - args[from * 2]!;
}
