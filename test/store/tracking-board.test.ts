import { expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { createTrackingMemory, TrackingBoard } from '../../src/store/tracking-board.ts';

function makeBoards(workerCount: number): TrackingBoard[] {
  const memory = createTrackingMemory(workerCount);
  return Array.from({ length: workerCount }, (_, worker) => new TrackingBoard(memory, worker, workerCount));
}

function post(board: TrackingBoard, worker: number, key: string, origin = 0): boolean {
  const bytes = Bytes.fromText(key);
  return board.post(worker, bytes, 0, key.length, origin);
}

/** The mail of a worker as keys and who changed them. */
function take(board: TrackingBoard): { key: string | null; origin: number }[] | null {
  const mail = board.take();
  if (mail === null) return null;
  return mail.letters.map(({ at, byteCount, origin }) => ({
    key: byteCount < 0 ? null : mail.bytes.u8.toString('latin1', at, at + byteCount),
    origin,
  }));
}

test('letters come in order, with keys of any length, and their worker is to be told once', () => {
  const [first, second] = makeBoards(2) as [TrackingBoard, TrackingBoard];
  expect(second.hasMail).toBe(false);
  expect(post(first, 1, 'abc', 7)).toBe(true);
  expect(post(first, 1, '', 8)).toBe(false);
  expect(first.postFlush(1, 9)).toBe(false);
  expect(post(first, 1, 'abcd')).toBe(false);
  expect(second.hasMail).toBe(true);
  expect(first.hasMail).toBe(false);
  expect(take(second)).toEqual([
    { key: 'abc', origin: 7 },
    { key: '', origin: 8 },
    { key: null, origin: 9 },
    { key: 'abcd', origin: 0 },
  ]);
  expect(second.hasMail).toBe(false);
  expect(post(first, 1, 'again')).toBe(true);
});

test('a mailbox that is full says so, and is empty again behind that', () => {
  const [first, second] = makeBoards(2) as [TrackingBoard, TrackingBoard];
  const long = 'x'.repeat(10_000);
  for (let i = 0; i < 200; i++) post(first, 1, long);
  expect(take(second)).toBeNull();
  post(first, 1, 'k');
  expect(take(second)).toEqual([{ key: 'k', origin: 0 }]);
});

test('a key larger than a mailbox makes it full', () => {
  const [first, second] = makeBoards(2) as [TrackingBoard, TrackingBoard];
  post(first, 1, 'x'.repeat(2 << 20));
  expect(second.hasMail).toBe(true);
  expect(take(second)).toBeNull();
});

test('the filter tells which workers a key concerns, and never too few', () => {
  for (const workerCount of [3, 70]) {
    const boards = makeBoards(workerCount);
    const [first, , third] = boards as [TrackingBoard, TrackingBoard, TrackingBoard];
    const slot = first.slotOf(0x12345678);
    expect(first.concernsAny(slot)).toBe(false);
    third.setFilter(slot);
    const concerned = boards.map((_, worker) => worker).filter((worker) => first.concerns(worker, slot));
    expect(concerned).toEqual(workerCount === 3 ? [2] : [2, 34, 66]);
    expect(first.concerns(2, first.slotOf(0x12345679))).toBe(false);
    third.clearFilter(slot);
    expect(first.concernsAny(slot)).toBe(workerCount > 32);
    boards.at(-1)!.setBroadcast(true);
    expect(first.concerns(workerCount - 1, 5)).toBe(true);
    expect(first.concerns(1, 5)).toBe(false);
    boards.at(-1)!.setTracking(true);
    expect(boards.map((_, worker) => first.isTracking(worker)).lastIndexOf(true)).toBe(workerCount - 1);
  }
});
