import { expect, test } from 'bun:test';
import { Backlog } from '../../src/server/clients/backlog.ts';
import { Random } from '../support/differential.ts';
import { freshSeed } from '../support/seed.ts';

test('what was appended is sent in order, whatever the socket takes at a time', () => {
  const random = new Random(freshSeed('backlog'));
  const backlog = new Backlog();
  let expected = '';
  let sent = '';
  for (let step = 0; step < 2000; step++) {
    if (random.below(3) > 0) {
      const text = `${step},`.repeat(random.oneIn(20) ? 3000 : random.below(30));
      expected += text;
      if (random.oneIn(3)) backlog.appendWhole(Buffer.from(text));
      else backlog.append(Buffer.from(text));
      continue;
    }
    let room = random.below(20_000);
    backlog.send(
      (bytes, at, byteCount) => {
        const taken = Math.min(byteCount, room);
        room -= taken;
        sent += Buffer.from(bytes.subarray(at, at + taken)).toString();
        return taken;
      },
      () => {},
    );
    expect(backlog.byteCount).toBe(expected.length - sent.length);
  }
  expect(expected.startsWith(sent)).toBe(true);
  backlog.clear();
  expect([backlog.byteCount, backlog.partCount]).toEqual([0, 0]);
});

test('many short pieces make few parts', () => {
  const backlog = new Backlog();
  for (let i = 0; i < 10_000; i++) backlog.append(Buffer.from('0123456789'));
  expect(backlog.partCount).toBeLessThan(10);
});

test('the error of a socket is passed on', () => {
  const backlog = new Backlog();
  backlog.append(Buffer.from('x'));
  expect(
    backlog.send(
      () => -1,
      () => {},
    ),
  ).toBe(-1);
});
