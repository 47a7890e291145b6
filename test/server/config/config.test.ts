import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { Config } from '../../../src/server/config/config.ts';
import { NAMES, settingEntries } from '../../../src/server/config/config-registry.ts';

const LIMITS = { memoryBytes: 10_000_000_000, cpuCount: 3 };

describe('defaults', () => {
  test('maxmemory is four fifths of the memory there is, and threads the number of cores', () => {
    const config = Config.withDefaults(LIMITS);
    expect(config.number('maxmemory')).toBe(8_000_000_000);
    expect(config.number('threads')).toBe(3);
  });

  test('every default is a value that the setting itself accepts and prints unchanged', () => {
    const config = Config.withDefaults(LIMITS);
    for (const [name, text] of Object.entries(config.toJSON().values)) {
      if (text === '' || name === 'replicaof') continue;
      expect(config.load(name, [text])).toBeNull();
      expect(`${name} ${config.getString(name)}`).toBe(`${name} ${text}`);
    }
    expect(config.ignored()).toEqual([]);
  });

  test('every name is lower case, and no old name is the name of another setting', () => {
    const rows = settingEntries();
    const aliases = rows.flatMap(([, { alias }]) => (alias === undefined ? [] : [alias]));
    expect(NAMES.size).toBe(rows.length + aliases.length);
    expect([...NAMES.keys()].filter((name) => name !== name.toLowerCase())).toEqual([]);
  });
});

describe('typed access', () => {
  test('reads numbers, octal permissions, flags, texts and lists', () => {
    const config = Config.withDefaults(LIMITS);
    expect(config.load('unixsocketperm', ['0700'])).toBeNull();
    expect(config.number('unixsocketperm')).toBe(0o700);
    expect(config.getString('unixsocketperm')).toBe('700');
    expect(config.flag('protected-mode')).toBe(true);
    expect(config.text('loglevel')).toBe('notice');
    expect(config.list('bind')).toEqual(['*', '-::*']);
    expect(config.list('latency-tracking-info-percentiles')).toEqual(['50', '99', '99.9']);
  });

  test('gives the output limits of a class, and replica is another word for slave', () => {
    const config = Config.withDefaults(LIMITS);
    expect(config.load('client-output-buffer-limit', ['replica', '2mb', '1mb', '30'])).toBeNull();
    expect(config.bufferLimit('slave')).toEqual({ hardBytes: 2097152, softBytes: 1048576, softSeconds: 30 });
    expect(config.bufferLimit('normal')).toEqual({ hardBytes: 0, softBytes: 0, softSeconds: 0 });
    expect(config.bufferLimit('pubsub').softSeconds).toBe(60);
  });

  test('maxmemory leaves room for the process itself where memory is short', () => {
    const megabytes = (memoryBytes: number) =>
      Config.withDefaults({ memoryBytes: memoryBytes << 20, cpuCount: 2 }).number('maxmemory') / (1 << 20);
    expect(megabytes(256)).toBe(64);
    expect(megabytes(512)).toBe(320);
    expect(megabytes(960)).toBe(768);
  });

  test('maxmemory takes a share of the memory there is', () => {
    const config = Config.withDefaults(LIMITS);
    expect(config.trySet([['maxmemory', '50%']]).ok).toBe(true);
    expect(config.getString('maxmemory')).toBe('5000000000');
    const outcome = config.trySet([['maxmemory', '101%']]);
    expect(outcome.ok ? '' : outcome.error).toEndWith('percentage argument must be less or equal to 100');
  });
});

describe('CONFIG SET', () => {
  test('says what changed, and can take it back', () => {
    const config = Config.withDefaults(LIMITS);
    const outcome = config.trySet([
      ['maxclients', '5'],
      ['timeout', '0'],
      ['lua-time-limit', '7'],
    ]);
    if (!outcome.ok) throw new Error(outcome.error);
    expect(outcome.changed).toEqual({ maxclients: '5', 'busy-reply-threshold': '7' });
    outcome.undo();
    expect(config.toJSON()).toEqual(Config.withDefaults(LIMITS).toJSON());
  });

  test('changes nothing if one of several values is wrong', () => {
    const config = Config.withDefaults(LIMITS);
    expect(
      config.trySet([
        ['timeout', '5'],
        ['maxclients', '0'],
      ]),
    ).toEqual({
      ok: false,
      error:
        "ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument must be between 1 and 4294967295 inclusive",
    });
    expect(config.number('timeout')).toBe(0);
  });

  test('changes protected settings only where enable-protected-configs lets the client', () => {
    const protectedOnes = [['dbfilename', 'x.rdb']] as const;
    for (const [who, fromElsewhere, fromHere] of [
      ['no', false, false],
      ['local', false, true],
      ['yes', true, true],
    ] as const) {
      const config = Config.withDefaults(LIMITS);
      expect(config.load('enable-protected-configs', [who])).toBeNull();
      expect(config.trySet(protectedOnes, false).ok).toBe(fromElsewhere);
      expect(config.trySet(protectedOnes, true).ok).toBe(fromHere);
    }
  });

  test('accepts or refuses whatever it is given, keeps what it printed before, and never throws', () => {
    const name = fc.oneof(fc.constantFrom(...NAMES.keys()), fc.string());
    const word = fc.constantFrom(
      'yes',
      '0',
      '-1',
      '1gb',
      '50%',
      '900 1',
      'normal 0 0 0',
      '9'.repeat(30),
      ' ',
      '-',
    );
    const value = fc.oneof(word, fc.string({ unit: 'binary' }));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 3 }), (pairs) => {
        const config = Config.withDefaults(LIMITS);
        const before = config.toJSON();
        const outcome = config.trySet(pairs);
        if (!outcome.ok) expect(config.toJSON()).toEqual(before);
        // What it prints is itself a valid value, and means the same.
        else expect(config.trySet(Object.entries(outcome.changed)).ok).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

test('a copy made from JSON has the same values and follows later changes', () => {
  const config = Config.withDefaults(LIMITS);
  config.load('requirepass', ['a "b" ü']);
  const copy = Config.fromJSON(JSON.parse(JSON.stringify(config)));
  expect(copy.toJSON()).toEqual(config.toJSON());
  const outcome = config.trySet([['maxclients', '7']]);
  if (outcome.ok) copy.assign(outcome.changed);
  expect(copy.number('maxclients')).toBe(7);
});
