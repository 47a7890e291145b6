/**
 * Moving elements from an end of one list to an end of another, or of the same. Both keys are found, their locks held;
 * `from` is a list of at least as many elements, `to` a list or nothing there, and the same object as `from` if they are
 * one key. `touched` is called for both. The elements lie at the end of `to` afterwards: replies are made from there.
 */
import { Bytes, copyBytes } from '../../base/bytes.ts';
import { EntryText } from '../../structures/packed-entry.ts';
import type { Key } from '../key.ts';
import type { Keyspace } from '../keyspace.ts';
import { listLength, ListWalk, pointAtEnd, pushElement, pushElements, takeBack } from './list.ts';
import { removeRange } from './edit.ts';
import { Status } from '../status.ts';

/** No longer text lies in a block together with others: see nodeBytesMax. */
const SHARED_TEXT_BYTES_MAX = 65536;

/** Sizes of the copy of elements that go back to their own list: positions in it have 31 bits. */
const COPY_BYTES_MIN = 4096;
const COPY_BYTES_MAX = 2 ** 31 - 1;

const scratchText = new EntryText();
const scratchCopy = Bytes.allocate(SHARED_TEXT_BYTES_MAX);
const scratchWalk = new ListWalk();

/** Moves one element. OutOfMemory: nothing was changed. */
export function moveEnd(
  keyspace: Keyspace,
  from: Key,
  to: Key,
  fromFront: boolean,
  toFront: boolean,
): Status {
  const text = scratchText;
  pointAtEnd(from.shard, from.record, fromFront, text);
  // A push to the list itself may move what the element lies in.
  if (from === to && text.byteCount <= SHARED_TEXT_BYTES_MAX) {
    copyBytes(text.bytes, text.at, scratchCopy, 0, text.byteCount);
    text.set(scratchCopy, 0, text.byteCount);
  }
  const status = pushElement(keyspace, to, text.bytes, text.at, text.byteCount, toFront);
  if (status === Status.Ok) removeMoved(keyspace, from, to, fromFront, toFront, 1);
  return status;
}

/**
 * Moves `count` elements. They keep their order; with `isReversed` they arrive in the opposite one. OutOfMemory: nothing
 * was changed.
 */
export function moveMany(
  keyspace: Keyspace,
  from: Key,
  to: Key,
  fromFront: boolean,
  toFront: boolean,
  count: number,
  isReversed: boolean,
): Status {
  const length = listLength(from.shard, from.record);
  const first = fromFront ? 0 : length - count;
  // What is pushed to the front first ends up last.
  const isBackward = toFront !== isReversed;
  scratchWalk.start(from.shard, from.record, isBackward ? first + count - 1 : first, isBackward);
  const status =
    from === to ? pushCopies(keyspace, to, toFront, count) : pushWalked(keyspace, to, toFront, count);
  if (status === Status.Ok) removeMoved(keyspace, from, to, fromFront, toFront, count);
  return status;
}

/** Pushes the next `count` elements of `scratchWalk`, which goes along another list. OutOfMemory: none was pushed. */
function pushWalked(keyspace: Keyspace, to: Key, toFront: boolean, count: number): Status {
  const isNew = to.record === 0;
  const text = scratchText;
  for (let pushed = 0; pushed < count; pushed++) {
    scratchWalk.nextText(text);
    const status = pushElement(keyspace, to, text.bytes, text.at, text.byteCount, toFront);
    if (status === Status.Ok) continue;
    takeBack(keyspace, to, pushed, toFront, isNew);
    return status;
  }
  return Status.Ok;
}

/** `pushWalked` for a walk along the very list that they are pushed to: by way of a copy of them all. */
function pushCopies(keyspace: Keyspace, to: Key, toFront: boolean, count: number): Status {
  const text = scratchText;
  const places = new Int32Array(count * 2);
  let copy = Bytes.allocate(COPY_BYTES_MIN);
  let at = 0;
  for (let i = 0; i < count; i++) {
    scratchWalk.nextText(text);
    const { byteCount } = text;
    if (at + byteCount > COPY_BYTES_MAX) return Status.OutOfMemory;
    if (at + byteCount > copy.u8.length) copy = enlarge(copy, at, at + byteCount);
    copyBytes(text.bytes, text.at, copy, at, byteCount);
    places[i * 2] = at;
    places[i * 2 + 1] = byteCount;
    at += byteCount;
  }
  return pushElements(keyspace, to, copy, places, 0, count, toFront);
}

/** A buffer of at least `byteCountMin` bytes, and some more, that begins with the `used` bytes of another. */
function enlarge(old: Bytes, used: number, byteCountMin: number): Bytes {
  const larger = Bytes.allocate(Math.min(byteCountMin * 2, COPY_BYTES_MAX));
  copyBytes(old, 0, larger, 0, used);
  return larger;
}

/** Removes the `count` elements that have been pushed to `to` from where they were. */
function removeMoved(
  keyspace: Keyspace,
  from: Key,
  to: Key,
  fromFront: boolean,
  toFront: boolean,
  count: number,
): void {
  if (from !== to) keyspace.touched(to);
  // A key that was created may have moved the slots of its shard, and so may one that is removed.
  if (from !== to && from.shard === to.shard) keyspace.find(from);
  const length = listLength(from.shard, from.record);
  const added = from === to ? count : 0;
  const first = (fromFront ? 0 : length - count - added) + (toFront ? added : 0);
  if (removeRange(keyspace, from, first, count) > 0) keyspace.touched(from);
  else if (from.shard === to.shard) keyspace.find(to);
}
