import { expect, test } from 'bun:test';
import { FAMILIES } from '../../src/commands/families.ts';
import { Registry } from '../../src/commands/registry.ts';
import type { Command } from '../../src/commands/registry.ts';
import { flagWords, keyFlagWords } from '../../src/commands/server/command-facts.ts';
import type { KeySpec } from '../../src/commands/row.ts';
import frozen from '../frozen/commands.json';

/** A row of the frozen table, which was made from the public command documentation. */
interface FrozenRow {
  readonly name: string;
  readonly since: string;
  readonly arity: number;
  readonly flags: readonly string[];
  readonly acl: readonly string[];
  readonly keys: readonly FrozenKeys[];
  readonly deprecated: boolean;
}

interface FrozenKeys {
  readonly flags: readonly string[];
  readonly begin: object;
  readonly find: object;
}

/** Commands that the table does not have, and where they come from. */
const NEWER: Readonly<Record<string, string>> = {
  COMMANDLOG: 'Valkey 8.1',
  'COMMANDLOG GET': 'Valkey 8.1',
  'COMMANDLOG HELP': 'Valkey 8.1',
  'COMMANDLOG LEN': 'Valkey 8.1',
  'COMMANDLOG RESET': 'Valkey 8.1',
  DELEX: 'Redis 8.4',
  DELIFEQ: 'Valkey 9.0',
  DIGEST: 'Redis 8.4',
  HGETDEL: 'Redis 8.0',
  HGETEX: 'Redis 8.0',
  HSETEX: 'Redis 8.0',
  BLMOVEM: 'Redis 8.10',
  INCREX: 'Redis 8.8',
  LMOVEM: 'Redis 8.10',
  MSETEX: 'Redis 8.4',
  SDIFFCARD: 'Redis 8.10',
  XACKDEL: 'Redis 8.2',
  XDELEX: 'Redis 8.2',
  XNACK: 'Redis 8.8',
  SUNIONCARD: 'Redis 8.10',
  PREPEND: "ours: memcached's, for every protocol",
};

/** Rows that differ from the table in one fact, and why. */
const DIFFERENCES: Readonly<Record<string, string>> = {};

const TABLE = new Map((frozen as readonly FrozenRow[]).map((row) => [row.name, row]));

function fullName(command: Command): string {
  return command.name.replace('|', ' ').toUpperCase();
}

/** Where a command exists in a sentinel is of no use to us, so rows do not say it. */
function withoutSentinel(flags: readonly string[]): string[] {
  return flags.filter((flag) => flag !== 'sentinel').sort();
}

function frozenKeys(spec: KeySpec): FrozenKeys {
  const { begin, find } = spec;
  return {
    flags: keyFlagWords(spec.flags)
      .map((word) => word.toUpperCase())
      .sort(),
    begin:
      begin.kind === 'index'
        ? { index: { pos: begin.position } }
        : begin.kind === 'keyword'
          ? { keyword: { keyword: begin.word, startfrom: begin.from } }
          : { unknown: null },
    find:
      find.kind === 'range'
        ? { range: { lastkey: find.last, step: find.step, limit: find.limit } }
        : find.kind === 'keynum'
          ? { keynum: { keynumidx: find.countAt, firstkey: find.first, step: find.step } }
          : { unknown: null },
  };
}

const { commands } = new Registry(FAMILIES);

for (const command of commands) {
  const name = fullName(command);
  if (name in DIFFERENCES || name in NEWER) continue;
  const row = TABLE.get(name);
  test(`the row of ${name} agrees with the frozen table`, () => {
    expect(row).toBeDefined();
    expect({
      since: command.row.since,
      arity: command.arity,
      flags: flagWords(command)
        .filter((word) => word !== 'movablekeys')
        .sort(),
      acl: [...(command.row.acl ?? [])].sort(),
      keys: command.keys.map(frozenKeys),
      deprecated: command.row.deprecated ?? false,
    }).toEqual({
      since: row!.since,
      arity: row!.arity,
      flags: withoutSentinel(row!.flags),
      acl: [...row!.acl].sort(),
      keys: row!.keys.map((spec) => ({ ...spec, flags: [...spec.flags].sort() })),
      deprecated: row!.deprecated,
    });
  });
}

test('what is listed as missing from the table is not in it', () => {
  for (const name of Object.keys(NEWER)) expect(TABLE.has(name)).toBe(false);
});

test('every command says in one line what it does', () => {
  const silent = commands.filter(({ row }) => (row.summary ?? '') === '').map(fullName);
  expect(silent).toEqual([]);
});
