/** Random geo commands: places all over the earth, near each other, and at the edges of the map. */
import type { Argument, Command, Generator, Random } from '../support/differential.ts';

const anyKey = (random: Random): string => `g${random.below(5)}`;
const member = (random: Random): string => `m${random.below(120)}`;
const word = (random: Random, text: string): string => (random.oneIn(4) ? text.toLowerCase() : text);

/** So many decimals that no two places are equally far from a third: order among such is not compared. */
const spread = (random: Random, limit: number): number =>
  (random.below(2 ** 31) / 2 ** 31) * 2 * limit - limit;

function place(random: Random): Argument[] {
  if (random.oneIn(25)) {
    // None is a place, or two members might be in the same.
    const odd = random.pick(['x', '', 'inf', '181', '-180.5', '1e3', '200.0078125', '1e30']);
    return random.oneIn(2) ? [odd, '10'] : ['10', random.pick([odd, '85.1', '-86'])];
  }
  if (random.oneIn(3)) return [13 + spread(random, 2), 38 + spread(random, 2)];
  if (random.oneIn(8)) return [180 - random.below(2000) / 977, 85 - random.below(2000) / 977];
  if (random.oneIn(8)) return [random.below(2000) / 977 - 180, random.below(2000) / 977 - 85];
  return [spread(random, 180), spread(random, 85)];
}

function unit(random: Random): string {
  if (random.oneIn(40)) return random.pick(['x', '', 'mm']);
  return word(random, random.pick(['m', 'km', 'ft', 'mi', 'km', 'mi']));
}

function radius(random: Random): Argument[] {
  if (random.oneIn(40)) return [random.pick(['x', '-1', '', 'inf', '0']), unit(random)];
  return [random.pick([10, 200, 1000, 5000, 20_000]) * (0.5 + random.below(1000) / 1009), unit(random)];
}

function box(random: Random): Argument[] {
  if (random.oneIn(40)) return [random.pick(['x', '-1', '3']), random.pick(['y', '-2', '0']), unit(random)];
  return [
    random.below(random.pick([100, 3000, 20_000])),
    random.below(random.pick([100, 3000, 20_000])) + 0.5,
    unit(random),
  ];
}

function options(random: Random, details: boolean): Argument[] {
  const args: Argument[] = [];
  while (!random.oneIn(3)) {
    const choice = random.below(details ? 6 : 3);
    if (choice === 0) args.push(word(random, random.pick(['ASC', 'DESC'])));
    else if (choice === 1)
      args.push(
        word(random, 'COUNT'),
        random.oneIn(20) ? random.pick(['0', '-1', 'x']) : 1 + random.below(20),
      );
    else if (choice === 2) {
      if (random.oneIn(4)) args.push(word(random, 'ANY'));
    } else args.push(word(random, random.pick(['WITHDIST', 'WITHCOORD', 'WITHHASH'])));
    if (random.oneIn(60)) args.push(random.pick(['FOO', 'COUNT', 'STORE', 'BYBOX']));
  }
  return args;
}

function shape(random: Random): Argument[] {
  const args: Argument[] = [];
  if (random.oneIn(2)) args.push(word(random, 'FROMMEMBER'), member(random));
  else args.push(word(random, 'FROMLONLAT'), ...place(random));
  const by = random.oneIn(2)
    ? [word(random, 'BYRADIUS'), ...radius(random)]
    : [word(random, 'BYBOX'), ...box(random)];
  if (random.oneIn(30)) args.pop();
  if (random.oneIn(30)) args.push('FROMLONLAT', 1, 2);
  return random.oneIn(4) ? [...by, ...args] : [...args, ...by];
}

/** Distances go to keys of their own: as scores they would all be one place. */
const distanceKey = (random: Random): string => `d${random.below(3)}`;

function store(random: Random): Argument[] {
  if (random.oneIn(2)) return [word(random, 'STORE'), anyKey(random)];
  return [word(random, 'STOREDIST'), distanceKey(random)];
}

function stores(random: Random): Argument[] {
  const args = random.oneIn(2) ? store(random) : [];
  if (random.oneIn(8)) args.push(...store(random));
  return args;
}

function searchStore(random: Random): Command {
  const tail = [...shape(random), ...options(random, random.oneIn(20))];
  if (random.oneIn(2)) return ['GEOSEARCHSTORE', anyKey(random), anyKey(random), ...tail];
  return ['GEOSEARCHSTORE', distanceKey(random), anyKey(random), ...tail, word(random, 'STOREDIST')];
}

function add(random: Random): Command {
  const args: Argument[] = [];
  while (random.oneIn(4)) args.push(word(random, random.pick(['NX', 'XX', 'CH'])));
  const count = random.pick([0, 1, 1, 2, 5, 20]);
  for (let i = 0; i < count; i++) args.push(...place(random), member(random));
  if (random.oneIn(20)) args.pop();
  return ['GEOADD', anyKey(random), ...args];
}

function radiusBy(random: Random): Command {
  const isReadOnly = random.oneIn(2);
  const tail = [
    ...options(random, isReadOnly || random.oneIn(4)),
    ...(isReadOnly && !random.oneIn(30) ? [] : stores(random)),
  ];
  const suffix = isReadOnly ? '_RO' : '';
  if (random.oneIn(2))
    return [`GEORADIUS${suffix}`, anyKey(random), ...place(random), ...radius(random), ...tail];
  return [`GEORADIUSBYMEMBER${suffix}`, anyKey(random), member(random), ...radius(random), ...tail];
}

/** Over the keys g0 to g4, and d0 to d2. One member only has an odd score: several of those would be in one place, equally far. */
export const GEO_GENERATORS: readonly Generator[] = [
  add,
  add,
  add,
  (random) => ['GEODIST', anyKey(random), member(random), member(random)],
  (random) => [
    'GEODIST',
    anyKey(random),
    member(random),
    member(random),
    unit(random),
    ...(random.oneIn(30) ? ['x'] : []),
  ],
  (random) => ['GEOHASH', anyKey(random), member(random), member(random)],
  (random) => ['GEOPOS', anyKey(random), member(random), member(random), 'missing'],
  (random) => ['GEOSEARCH', anyKey(random), ...shape(random), ...options(random, true)],
  (random) => ['GEOSEARCH', anyKey(random), ...shape(random), ...options(random, true)],
  (random) => ['GEOSEARCH', anyKey(random), ...shape(random), ...options(random, true)],
  searchStore,
  radiusBy,
  radiusBy,
  radiusBy,
  (random) => ['ZRANGE', anyKey(random), 0, -1, 'WITHSCORES'],
  (random) => ['ZRANGE', distanceKey(random), 0, -1, 'WITHSCORES'],
  (random) => [
    'ZADD',
    anyKey(random),
    random.pick([
      '0',
      '-5',
      '1.5',
      '4503599627370496',
      '1e17',
      '1e19',
      '1e25',
      '-1e25',
      'inf',
      '-inf',
      '3479099956230698',
    ]),
    'z',
  ],
  (random) => ['ZREM', anyKey(random), member(random), 'z'],
  (random) =>
    random.oneIn(3) ? [random.pick(['DEL', 'TYPE']), anyKey(random)] : ['OBJECT', 'ENCODING', anyKey(random)],
  (random) => (random.oneIn(5) ? ['SET', anyKey(random), 'x'] : ['EXISTS', anyKey(random)]),
];
