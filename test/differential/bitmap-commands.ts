/** Random bitmap commands. */
import type { Argument, Command, Generator, Random } from '../support/differential.ts';

const ODD_INTEGERS = [
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '-0',
  '01',
  ' 1',
  '',
  'x',
  '1.5',
];
const OPERATIONS = ['AND', 'OR', 'XOR', 'and', 'Or', 'NOT', 'NAND'];

const anyKey = (random: Random): string => `b${random.below(10)}`;
const word = (random: Random, text: string): string => (random.oneIn(4) ? text.toLowerCase() : text);

function value(random: Random): Argument {
  switch (random.below(7)) {
    case 0:
      return String(random.between(-1000, 100_000));
    case 1:
      return '';
    case 2:
      return Buffer.alloc(random.below(120), random.pick([0, 0xff]));
    case 3:
      return Buffer.alloc(random.below(20_000), random.pick([0, 0xff, 0x5a]));
    default:
      return Buffer.from(Array.from({ length: random.below(100) }, () => random.below(256)));
  }
}

function offset(random: Random): Argument {
  if (random.oneIn(12)) return random.pick([...ODD_INTEGERS, '-1', '4294967296', '#1', '99999999999']);
  return random.below(random.pick([20, 400, 2000]));
}

function end(random: Random): Argument {
  if (random.oneIn(12)) return random.pick(ODD_INTEGERS);
  return random.between(-150, 150) * random.pick([1, 1, 8]);
}

function range(random: Random): Argument[] {
  const args = [end(random), end(random)];
  if (random.oneIn(2)) args.push(word(random, random.pick(['BIT', 'BYTE', 'BIT', 'BYTE', 'NIBBLE'])));
  if (random.oneIn(30)) args.push('1');
  if (random.oneIn(20)) args.pop();
  return args;
}

function fieldType(random: Random): string {
  if (random.oneIn(15)) return random.pick(['u64', 'i65', 'u0', 'i', 'x8', '', 'i-3', 'u08', 'U8']);
  const sign = random.pick(['u', 'i']);
  const bits = random.pick([1, 2, 3, 5, 7, 8, 9, 16, 31, 32, 33, 63, 64]);
  return sign + (sign === 'u' ? Math.min(bits, 63) : bits);
}

function fieldOffset(random: Random): Argument {
  if (random.oneIn(3))
    return `#${random.oneIn(12) ? random.pick([...ODD_INTEGERS, '-1']) : random.below(20)}`;
  return offset(random);
}

function operand(random: Random): Argument {
  if (random.oneIn(6)) return random.pick(ODD_INTEGERS);
  return random.between(-300, 300) * random.pick([1, 1, 1000, 1_000_000_007]);
}

function fields(random: Random): Argument[] {
  const args: Argument[] = [];
  do {
    switch (random.below(5)) {
      case 0:
        args.push(word(random, 'GET'), fieldType(random), fieldOffset(random));
        break;
      case 1:
        args.push(word(random, 'SET'), fieldType(random), fieldOffset(random), operand(random));
        break;
      case 2:
        args.push(word(random, 'OVERFLOW'), word(random, random.pick(['WRAP', 'SAT', 'FAIL', 'SAT', 'NO'])));
        break;
      default:
        args.push(word(random, 'INCRBY'), fieldType(random), fieldOffset(random), operand(random));
    }
  } while (!random.oneIn(3));
  if (random.oneIn(20)) args.pop();
  return args;
}

function reads(random: Random): Command {
  const args: Argument[] = [];
  do args.push('GET', fieldType(random), fieldOffset(random));
  while (!random.oneIn(3));
  return [random.pick(['BITFIELD_RO', 'BITFIELD']), anyKey(random), ...args];
}

function operation(random: Random): Command {
  const sources = Array.from({ length: 1 + random.below(4) }, () => anyKey(random));
  if (random.oneIn(6)) return ['BITOP', word(random, 'NOT'), anyKey(random), sources[0]!];
  return ['BITOP', random.pick(OPERATIONS), anyKey(random), ...sources];
}

/** Over the keys b0 to b9. */
export const BITMAP_GENERATORS: readonly Generator[] = [
  (random) => ['SET', anyKey(random), value(random)],
  (random) => ['SET', anyKey(random), value(random), 'EX', 1000],
  (random) => [random.pick(['DEL', 'GET', 'TTL', 'STRLEN']), anyKey(random)],
  (random) => ['OBJECT', 'ENCODING', anyKey(random)],
  (random) => ['GET', anyKey(random)],
  (random) => (random.oneIn(8) ? ['HSET', anyKey(random), 'f', 'x'] : ['DEL', anyKey(random)]),
  (random) => [
    'SETBIT',
    anyKey(random),
    offset(random),
    random.oneIn(15) ? random.pick(['2', '-1', 'x']) : random.below(2),
  ],
  (random) => ['SETBIT', anyKey(random), offset(random), random.below(2)],
  (random) => ['GETBIT', anyKey(random), offset(random)],
  (random) => ['BITCOUNT', anyKey(random)],
  (random) => ['BITCOUNT', anyKey(random), ...range(random)],
  (random) => ['BITCOUNT', anyKey(random), ...range(random)],
  (random) => ['BITPOS', anyKey(random), random.oneIn(20) ? random.pick(['2', 'x', '-1']) : random.below(2)],
  (random) => ['BITPOS', anyKey(random), random.below(2), end(random)],
  (random) => ['BITPOS', anyKey(random), random.below(2), ...range(random)],
  (random) => ['BITPOS', anyKey(random), random.below(2), ...range(random)],
  operation,
  operation,
  (random) => ['BITFIELD', anyKey(random), ...fields(random)],
  (random) => ['BITFIELD', anyKey(random), ...fields(random)],
  (random) => ['BITFIELD_RO', anyKey(random), ...fields(random)],
  reads,
];
