/** Random HyperLogLog commands: elements from few, so that registers meet, and from many, so that some become dense. */
import type { Argument, Command, Generator, Random } from '../support/differential.ts';

const anyKey = (random: Random): string => `h${random.below(8)}`;

function element(random: Random): Argument {
  switch (random.below(4)) {
    case 0:
      return String(random.below(30));
    case 1:
      return Buffer.from(Array.from({ length: random.below(40) }, () => random.below(256)));
    default:
      return `element:${random.below(1_000_000)}`;
  }
}

function add(random: Random): Command {
  const count = random.pick([0, 1, 1, 2, 5, 20, 60]);
  return ['PFADD', anyKey(random), ...Array.from({ length: count }, () => element(random))];
}

/**
 * Strings that are no HyperLogLog, or only look like one: but none whose last run is cut off, behind which Redis reads on.
 * One element at a time is added to such: see hyperloglog.ts.
 */
function corrupt(random: Random): Argument {
  const head = Buffer.from('HYLL\u0001\0\0\0\0\0\0\0\0\0\0\x80', 'latin1');
  switch (random.below(6)) {
    case 0:
      return head;
    case 1:
      return 'HYLL';
    case 2:
      return Buffer.concat([head, Buffer.from([0x7f, 0xff, 0x84])]);
    case 3:
      return Buffer.concat([
        head,
        Buffer.from([...Array.from({ length: random.below(30) }, () => random.below(256)), 0, 0]),
      ]);
    case 4:
      return Buffer.concat([
        Buffer.from('HYLL\0\0\0\0\0\0\0\0\0\0\0\x80', 'latin1'),
        Buffer.alloc(12288, random.below(256)),
      ]);
    default:
      return Buffer.concat([
        Buffer.from('HYLL\u0002\0\0\0\0\0\0\0\0\0\0\x80', 'latin1'),
        Buffer.alloc(random.pick([2, 12288])),
      ]);
  }
}

const corruptKey = (random: Random): string => `c${random.below(3)}`;

/** Over the keys h0 to h7, and c0 to c2 for what is corrupt. */
export const HYPERLOGLOG_GENERATORS: readonly Generator[] = [
  add,
  add,
  add,
  add,
  (random) => ['GET', anyKey(random)],
  (random) => ['PFCOUNT', anyKey(random)],
  (random) => ['PFCOUNT', anyKey(random), anyKey(random), anyKey(random)],
  (random) => ['PFMERGE', anyKey(random), ...Array.from({ length: random.below(3) }, () => anyKey(random))],
  (random) => (random.oneIn(4) ? ['DEL', anyKey(random)] : ['TTL', anyKey(random)]),
  (random) => ['OBJECT', 'ENCODING', anyKey(random)],
  (random) => ['PFDEBUG', random.pick(['ENCODING', 'decode', 'Encoding', 'DECODE', 'NONE']), anyKey(random)],
  (random) =>
    random.oneIn(20)
      ? ['PFDEBUG', random.pick(['TODENSE', 'GETREG']), anyKey(random)]
      : ['STRLEN', anyKey(random)],
  (random) => ['SET', corruptKey(random), corrupt(random)],
  (random) => (random.oneIn(3) ? ['HSET', corruptKey(random), 'a', 'b'] : ['DEL', corruptKey(random)]),
  (random) => ['PFADD', corruptKey(random), element(random)],
  (random) => ['PFCOUNT', corruptKey(random)],
  (random) => ['PFCOUNT', anyKey(random), corruptKey(random)],
  (random) => ['PFMERGE', random.oneIn(4) ? corruptKey(random) : anyKey(random), corruptKey(random)],
  (random) => ['GET', corruptKey(random)],
  (random) => ['PFDEBUG', random.pick(['ENCODING', 'DECODE', 'TODENSE']), corruptKey(random)],
];
