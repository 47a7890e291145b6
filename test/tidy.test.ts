/** The repository keeps the house rules, and each rule catches what it is there for. */

import { describe, expect, test } from 'bun:test';
import { join } from 'node:path';
import {
  blankCommentsAndStrings,
  findBadName,
  findBannedWords,
  findClosedDoors,
  findCycles,
  findLongFile,
  findLongFunctions,
  findMissingLayout,
  findProblems,
  findSidewaysImports,
  findStrangersAtTheTop,
  findUnreferencedFiles,
  readRepository,
  type SourceFile,
} from '../scripts/tidy.ts';

const file = (path: string, text = ''): SourceFile => ({ path, text });

test('the repository is tidy', () => {
  const { files, topLevelNames } = readRepository(join(import.meta.dir, '..'));
  expect(files.length).toBeGreaterThan(5);
  expect(findProblems(files, topLevelNames)).toEqual([]);
});

describe('doors between rooms', () => {
  const importing = (path: string, target: string): string[] =>
    findClosedDoors(file(path, `import { a } from '${target}';\n`));

  test.each([
    ['src/store/keyspace.ts', '../structures/table.ts'],
    ['src/store/keyspace.ts', './record.ts'],
    ['src/commands/string.ts', '../protocol/resp-writer.ts'],
    ['src/server/dispatch.ts', '../commands/row.ts'],
    ['src/main.ts', './server/listener.ts'],
    ['src/server/config.ts', 'consola'],
    ['src/server/product.ts', '../../package.json'],
  ])('%s may import %s', (path, target) => {
    expect(importing(path, target)).toEqual([]);
  });

  test.each([
    ['src/base/log.ts', '../memory/shard.ts'],
    ['src/protocol/resp-writer.ts', '../memory/shard.ts'],
    ['src/memory/shard.ts', '../protocol/resp-writer.ts'],
    ['src/store/keyspace.ts', '../protocol/resp-writer.ts'],
    ['src/store/keyspace.ts', '../commands/row.ts'],
    ['src/commands/string.ts', '../server/dispatch.ts'],
    ['src/server/listener.ts', '../worker.ts'],
    ['src/server/listener.ts', '../../test/support/oracles.ts'],
    ['src/attic/old.ts', '../base/log.ts'],
  ])('%s may not import %s', (path, target) => {
    expect(importing(path, target)).toHaveLength(1);
  });

  test('a type is a door too, and so are re-exports, dynamic imports and imports over several lines', () => {
    const closed = (text: string): number => findClosedDoors(file('src/base/log.ts', text)).length;
    expect(closed(`import type { Row } from '../commands/row.ts';\n`)).toBe(1);
    expect(closed(`export * from '../commands/row.ts';\n`)).toBe(1);
    expect(closed(`import {\n  a,\n  b,\n} from '../commands/row.ts';\n`)).toBe(1);
    expect(closed(`import '../commands/row.ts';\n`)).toBe(1);
    expect(closed(`const row = await import('../commands/row.ts');\n`)).toBe(1);
    expect(closed(`export const path = 1;\nconst other = '../commands/row.ts';\n`)).toBe(0);
  });

  test('one command family does not import another, but the registry imports them all', () => {
    const family = (name: string, text = ''): SourceFile =>
      file(`src/commands/${name}.ts`, `${text}\nexport const ${name}Family: Family = {};\n`);
    const problems = findSidewaysImports([
      family('string'),
      family('hash', `import { a } from './string.ts';`),
      file('src/commands/registry.ts', `import { stringFamily } from './string.ts';\n`),
    ]);
    expect(problems).toEqual([
      'src/commands/hash.ts: a family may not import the family src/commands/string.ts',
    ]);
  });
});

describe('cycles', () => {
  const a = file('src/base/a.ts', `import { b } from './b.ts';\n`);

  test('are found, however long', () => {
    const b = file('src/base/b.ts', `import { c } from './c.ts';\n`);
    const c = file('src/base/c.ts', `import { a } from './a.ts';\n`);
    expect(findCycles([a, b, c])).toEqual([
      'a cycle of imports: src/base/a.ts → src/base/b.ts → src/base/c.ts → src/base/a.ts',
    ]);
  });

  test('of types alone are allowed', () => {
    expect(findCycles([a, file('src/base/b.ts', `import type { A } from './a.ts';\n`)])).toEqual([]);
  });
});

describe('names', () => {
  test.each([
    'src/base/key-index.ts',
    'test/store/expiry.test.ts',
    'bench/micro/table.bench.ts',
    'src/base/crc16.ts',
  ])('%s is fine', (path) => expect(findBadName(file(path))).toEqual([]));
  test.each([
    'src/base/keyIndex.ts',
    'src/base/utils.ts',
    'src/store/index.ts',
    'test/support/helpers.ts',
    'src/My/a.ts',
  ])('%s is not', (path) => expect(findBadName(file(path))).toHaveLength(1));

  test('only known files stand at the top of the repository', () => {
    expect(findStrangersAtTheTop(['src', '.git', 'bun.lock', 'server.log', 'notes.md'])).toEqual([
      'notes.md: does not belong at the top of the repository',
    ]);
  });
});

describe('banned words', () => {
  const banned = (text: string, path = 'src/base/log.ts'): number => findBannedWords(file(path, text)).length;

  test('unfinished marks are found in comments as well', () => {
    expect(banned('// TODO later\n')).toBe(1);
    expect(banned('/* FIXME */ const a = 1; // XXX\n')).toBe(2);
    expect(banned(`const option = 'XX'; const xxx = 1;\n`)).toBe(0);
  });

  test('any is found as a type and not as a word', () => {
    expect(banned('const a: any = 1;\n')).toBe(1);
    expect(banned('const a = b as any;\n')).toBe(1);
    expect(banned('const a: Map<string, any> = b;\n')).toBe(1);
    expect(banned('const a: any[] = [];\n')).toBe(1);
    expect(banned('function read(a: any, b: string): void {}\n')).toBe(1);
    expect(banned(`// as any client\nconst a = 'x: any'; const many = Promise.any(b);\n`)).toBe(0);
  });

  test('forced types and console.log in src are found', () => {
    expect(banned('const a = b as unknown as Row;\n')).toBe(1);
    expect(banned(`console.log('x');\n`)).toBe(1);
    expect(banned(`console.log('x');\n`, 'bench/micro/table.bench.ts')).toBe(0);
  });
});

describe('length', () => {
  const body = '  a();\n'.repeat(70);

  test('a function over 70 lines is reported with its first line', () => {
    const text = `\nexport function long(): void {\n${body}}\n`;
    expect(findLongFunctions(file('src/base/a.ts', text))).toEqual([
      'src/base/a.ts:2: a function of 72 lines without a "Long because …" comment',
    ]);
  });

  test('so are methods, arrow functions, and functions whose parameters take several lines', () => {
    const long = (head: string, tail = '}'): number =>
      findLongFunctions(file('src/base/a.ts', `${head}\n${body}${tail}\n`)).length;
    expect(long('  private static async read<T>(a: T): Promise<T> {', '  }')).toBe(1);
    expect(long('  constructor(\n    a: number,\n  ) {', '  }')).toBe(1);
    expect(long('const read = (a: number): void => {', '};')).toBe(1);
    expect(long('function read({\n  a,\n}: Options): void {')).toBe(1);
    expect(long('const table = {', '};')).toBe(0);
    expect(long('class Reader {')).toBe(0);
  });

  test('a comment that gives the reason excuses it', () => {
    const text = `/** Parses.\n *  Long because it is one hot loop. */\nfunction long(): void {\n${body}}\n`;
    expect(findLongFunctions(file('src/base/a.ts', text))).toEqual([]);
  });

  test('braces in strings and comments do not end a function', () => {
    const text = `function long(): void {\n  const a = \`\n}\n\`;\n  /*\n}\n*/\n${body}}\n`;
    expect(findLongFunctions(file('src/base/a.ts', text))).toHaveLength(1);
  });

  test('a file has at most 700 lines', () => {
    expect(findLongFile(file('src/base/a.ts', '\n'.repeat(700)))).toEqual([]);
    expect(findLongFile(file('src/base/a.ts', '\n'.repeat(701)))).toHaveLength(1);
  });
});

test('comments, strings and regular expressions are blanked, and nothing else', () => {
  const code = 'a = 1 / b / c; // d';
  expect(blankCommentsAndStrings(code)).toBe('a = 1 / b / c;     ');
  expect(blankCommentsAndStrings(`f('it\\'s', "//", /'/g);`)).toBe(
    `f(${' '.repeat(7)}, ${' '.repeat(4)}, ${' '.repeat(4)});`,
  );
  expect(blankCommentsAndStrings('a /* x\ny */ b')).toBe('a     \n     b');
});

test('a file in src that no thread reaches is reported, once there is an entry file', () => {
  const lonely = file('src/base/lonely.ts');
  const used = file('src/base/used.ts', `import type { A } from './deep.ts';\n`);
  const deep = file('src/base/deep.ts');
  const main = file('src/main.ts', `import { a } from './base/used.ts';\n`);
  expect(findUnreferencedFiles([lonely, used, deep])).toEqual([]);
  expect(findUnreferencedFiles([lonely, used, deep, main])).toEqual([
    'src/base/lonely.ts: no entry file reaches it',
  ]);
});

test('a structure without its layout at the top is reported', () => {
  const drawn = '/** Table.\n *  +------+\n *  | hash |\n *  +------+ */\n';
  expect(findMissingLayout(file('src/structures/table.ts', drawn))).toEqual([]);
  expect(findMissingLayout(file('src/structures/table.ts', '/** Table. */\n'))).toHaveLength(1);
  expect(
    findMissingLayout(file('src/memory/shard.ts', `import { a } from './a.ts';\n${drawn}`)),
  ).toHaveLength(1);
  expect(findMissingLayout(file('src/store/keyspace.ts'))).toEqual([]);
});
