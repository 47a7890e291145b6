import { expect, test } from 'bun:test';
import { Bytes } from '../../src/base/bytes.ts';
import { globMatch } from '../../src/base/glob.ts';
import { ControlBlock } from '../../src/memory/control.ts';
import { createShardHeads, createShardMemory, Shard } from '../../src/memory/shard.ts';
import { Audience, Subject } from '../../src/store/audience.ts';
import { Keyspace } from '../../src/store/keyspace.ts';
import { Random } from '../support/differential.ts';
import { freshSeed } from '../support/seed.ts';

const WORKERS = 70;
const NAMES = ['a', 'ab', 'abc', 'b', '*', 'a*', '[ab]', '?b', ''];

function makeAudiences(count: number, byteCount = 16 << 20): Audience[] {
  const heads = createShardHeads(2);
  const keyspace = new Keyspace(
    [new Shard(0, createShardMemory(1 << 20), heads)],
    ControlBlock.create(1, 1),
    new Float64Array(64),
    { k0: 1, k1: 2 },
  );
  const memory = createShardMemory(byteCount);
  return Array.from({ length: count }, () => new Audience(new Shard(1, memory, heads), keyspace));
}

test('counts and workers are those of a plain model, as seen by every worker', () => {
  const random = new Random(freshSeed('audience'));
  const audiences = makeAudiences(3);
  /** Listeners by subject and name: how many there are on each worker. */
  const model = new Map<string, Map<number, number>>();
  const listenersOf = (subject: Subject, name: string): Map<number, number> =>
    model.get(`${subject} ${name}`) ?? new Map<number, number>();
  for (let step = 0; step < 3000; step++) {
    const audience = random.pick(audiences);
    const subject = random.below(3) as Subject;
    const name = random.pick(NAMES);
    const text = Bytes.fromText(name);
    const worker = random.below(WORKERS);
    const workers = listenersOf(subject, name);
    if (random.oneIn(3)) {
      audience.join(subject, text, 0, name.length, worker);
      workers.set(worker, (workers.get(worker) ?? 0) + 1);
      model.set(`${subject} ${name}`, workers);
    } else if (random.oneIn(2) && workers.size > 0) {
      const leaver = random.pick([...workers.keys()]);
      const rest = workers.get(leaver)! - 1;
      if (rest === 0) workers.delete(leaver);
      else workers.set(leaver, rest);
      audience.leave(subject, text, name.length, leaver, rest === 0);
    } else if (subject !== Subject.Pattern) {
      const reached = [workers];
      if (subject === Subject.Channel) {
        for (const pattern of NAMES) {
          const bytes = Buffer.from(pattern);
          if (globMatch(bytes, 0, bytes.length, text.u8, 0, name.length, false)) {
            reached.push(listenersOf(Subject.Pattern, pattern));
          }
        }
      }
      const count = reached.reduce((sum, map) => sum + [...map.values()].reduce((a, b) => a + b, 0), 0);
      expect(audience.publish(subject, text, 0, name.length)).toBe(count);
      const bits = new Int32Array(4);
      for (const map of reached) for (const id of map.keys()) bits[id >> 5]! |= 1 << (id & 31);
      expect([...audience.workers]).toEqual([...bits]);
    }
    if (step % 100 === 0) audience.verify();
  }
  const listeners = [...model.values()].flatMap((map) => [...map.values()]).reduce((a, b) => a + b, 0);
  expect(audiences[0]!.verify()).toBe(listeners);
});

test('a message has a higher number than those who came before it know', () => {
  const [audience] = makeAudiences(1);
  const name = Bytes.fromText('news');
  expect(audience!.join(Subject.Channel, name, 0, 4, 0)).toBe(0);
  audience!.publish(Subject.Channel, name, 0, 4);
  expect(audience!.publication).toBe(1);
  expect(audience!.join(Subject.Channel, name, 0, 4, 1)).toBe(1);
});

test('when memory is used up nobody can begin to listen to something new, and nothing is changed', () => {
  const [audience] = makeAudiences(1, 1 << 20);
  const long = Bytes.allocate(50_000);
  long.u8.fill(0x61);
  let joined = 0;
  for (; joined < 1000; joined++) {
    long.view.setInt32(0, joined);
    if (audience!.join(Subject.Channel, long, 0, 50_000, 0) < 0) break;
  }
  expect(joined).toBeGreaterThan(10);
  expect(joined).toBeLessThan(30);
  expect(audience!.verify()).toBe(joined);
  expect(audience!.nameCount(Subject.Channel)).toBe(joined);
});

test('a publisher comes to an end though patterns keep changing while it matches them', () => {
  const [audience, other] = makeAudiences(2);
  const pattern = Bytes.fromText('n*');
  const churned = Bytes.fromText('churn');
  audience!.join(Subject.Pattern, pattern, 0, 2, 0);
  const name = Bytes.fromText('news');
  const { u8 } = name;
  const { heads, head } = audience!.shard;
  let changes = 0;
  // Whenever a pattern is matched without the lock another worker changes them.
  Object.defineProperty(name, 'u8', {
    get: () => {
      if (heads[head] === 0 && ++changes < 1000) {
        other!.join(Subject.Pattern, churned, 0, 5, 1);
        other!.leave(Subject.Pattern, churned, 5, 1, true);
      }
      return u8;
    },
  });
  expect(audience!.publish(Subject.Channel, name, 0, 4)).toBe(1);
  expect(changes).toBeGreaterThan(0);
  expect(changes).toBeLessThan(20);
  expect(audience!.verify()).toBe(1);
});
