#!/usr/bin/env bun
/** The house rules that a machine can check; test/tidy.test.ts runs them over the repository.
 *
 *  Text is scanned, not parsed: `bun fmt` has laid it out, so a function ends where its indentation says.
 *  Every rule takes files as values and returns problems, one readable line each; only `readRepository` touches disk. */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface SourceFile {
  /** Relative to the repository, with `/`. */
  readonly path: string;
  readonly text: string;
}

const ROOT = join(import.meta.dir, '..');
const CODE_FOLDERS = ['src', 'test', 'bench', 'scripts'];
const FILE_LINES_MAX = 700;
const FUNCTION_LINES_MAX = 70;

/** Which thread starts where. Nothing imports these; everything else in src/ must be reachable from one of them. */
const ENTRIES = ['src/main.ts', 'src/worker.ts', 'src/keeper.ts'];

/** From left to right: a room imports only rooms to its left, with the two exceptions below. */
const ROOMS = [
  'base',
  'protocol',
  'memory',
  'structures',
  'store',
  'persist',
  'replication',
  'scripting',
  'commands',
  'server',
];
const ROOMS_WITHOUT_PROTOCOL = ['memory', 'structures', 'store'];

const TOP_LEVEL_ALLOWED = new Set(
  'package.json bun.lock bunfig.toml tsconfig.json .gitignore .ci Dockerfile README.md LICENSE'
    .split(' ')
    .concat(CODE_FOLDERS, '.git', '.bun', 'node_modules', 'dist'),
);

/** These two name the banned words in order to ban them. */
const FILES_ABOUT_TIDINESS = ['scripts/tidy.ts', 'test/tidy.test.ts'];

/** All problems of `files` (every .ts file of the code folders) and of the names at the top of the repository. */
export function findProblems(files: SourceFile[], topLevelNames: string[]): string[] {
  return [
    ...findStrangersAtTheTop(topLevelNames),
    ...files.flatMap(findBadName),
    ...files.flatMap(findBannedWords),
    ...files.flatMap(findLongFile),
    ...files.flatMap(findLongFunctions),
    ...files.flatMap(findMissingLayout),
    ...files.flatMap(findClosedDoors),
    ...findSidewaysImports(files),
    ...findCycles(files),
    ...findUnreferencedFiles(files),
  ];
}

export function findStrangersAtTheTop(names: string[]): string[] {
  return names
    .filter((name) => !TOP_LEVEL_ALLOWED.has(name) && !/\.(log|cpuprofile)$/.test(name))
    .map((name) => `${name}: does not belong at the top of the repository`);
}

export function findBadName({ path }: SourceFile): string[] {
  const problems: string[] = [];
  const parts = path.split('/');
  const stem = parts.pop()!.replace(/(\.(test|bench|fuzz|d))?\.ts$/, '');
  if (![...parts, stem].every((part) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(part))) {
    problems.push(`${path}: names are kebab-case`);
  }
  if (/^(utils?|helpers?|index)$/.test(stem)) problems.push(`${path}: say what it holds, not "${stem}"`);
  return problems;
}

export function findBannedWords({ path, text }: SourceFile): string[] {
  if (FILES_ABOUT_TIDINESS.includes(path)) return [];
  const problems: string[] = [];
  const report = (source: string, pattern: RegExp, why: string): void => {
    for (const match of source.matchAll(pattern)) {
      problems.push(`${path}:${lineOf(source, match.index)}: "${match[0].trim()}": ${why}`);
    }
  };
  const code = blankCommentsAndStrings(text);
  report(text, /\b(FIXME|TODO|XXX)\b/g, 'unfinished marks belong in an issue');
  report(code, /(:|\bas|<|\||,)\s*any\b(?=[\s;,)>\]|=[])/g, 'give it a type');
  report(code, /\bas unknown as\b/g, 'a type that must be forced is wrong');
  if (path.startsWith('src/')) report(code, /\bconsole\.log\b/g, 'the server logs through base/log');
  return problems;
}

export function findLongFile({ path, text }: SourceFile): string[] {
  const lineCount = text.split('\n').length - 1;
  return lineCount > FILE_LINES_MAX
    ? [`${path}: ${lineCount} lines, more than ${FILE_LINES_MAX}: split it by idea`]
    : [];
}

/** Functions over the limit whose comment does not say "Long because …". In tests a `describe` may be any length. */
export function findLongFunctions({ path, text }: SourceFile): string[] {
  if (path.startsWith('test/')) return [];
  const lines = text.split('\n');
  const code = blankCommentsAndStrings(text).split('\n');
  const problems: string[] = [];
  for (let start = 0; start < code.length; start++) {
    if (!startsFunction(code[start]!)) continue;
    const lineCount = functionEnd(code, start) - start + 1;
    if (lineCount > FUNCTION_LINES_MAX && !/Long because/.test(commentAbove(lines, start))) {
      problems.push(
        `${path}:${start + 1}: a function of ${lineCount} lines without a "Long because …" comment`,
      );
    }
  }
  return problems;
}

/** True for the first line of a declaration, a method or an arrow function with a body. `if (` and its kind have a
 *  space before the bracket; a call that goes on over lines is taken for a method, and ends at its own bracket. */
function startsFunction(line: string): boolean {
  return (
    line.endsWith('=> {') ||
    /^\s*(export )?(default )?(async )?function\b/.test(line) ||
    /^\s+((public|private|protected|static|override|async|get|set) )*[\w#]+(<.*>)?\((.*\{)?$/.test(line)
  );
}

/** The formatter puts a function's closing brace alone (but for punctuation) at the indentation of its first line. */
function functionEnd(code: string[], start: number): number {
  const indentation = /^\s*/.exec(code[start]!)![0];
  for (let line = start + 1; line < code.length; line++) {
    const text = code[line]!;
    if (text.startsWith(`${indentation}}`) && /^[})\];,]+$/.test(text.trim())) return line;
    if (text.startsWith(`${indentation})`) && /^\)+[;,]?$/.test(text.trim())) return line;
  }
  return start;
}

function commentAbove(lines: string[], start: number): string {
  let first = start;
  while (first > 0 && /^\s*(\/\*|\*|\/\/)|\*\/\s*$|^\s+[A-Z(+|]/.test(lines[first - 1]!)) first--;
  return lines.slice(first, start).join('\n');
}

/** Whoever hands out bytes, or gives offsets a meaning, draws them before the first line of code. */
export function findMissingLayout({ path, text }: SourceFile): string[] {
  if (!/^src\/(structures|memory)\//.test(path)) return [];
  const opening = /^\s*\/\*\*[\s\S]*?\*\//.exec(text)?.[0] ?? '';
  return /\+--|\blayout\b|\boffset|\bword\b/i.test(opening)
    ? []
    : [`${path}: opens without a comment that draws or tells the layout of its bytes`];
}

export function findClosedDoors(file: SourceFile): string[] {
  const room = roomOf(file.path);
  if (room === null) return [];
  return importsOf(file).flatMap(({ target }) => {
    if (ENTRIES.includes(target)) return [`${file.path}: imports ${target}, which starts a thread`];
    if (target === 'package.json') return [];
    if (!target.startsWith('src/')) return [`${file.path}: imports ${target}, which is outside src/`];
    const other = roomOf(target);
    const isOpen = other === room || (other !== null && roomsOpenTo(room).includes(other));
    return isOpen ? [] : [`${file.path}: ${room} may not import ${target}`];
  });
}

function roomsOpenTo(room: string): string[] {
  if (!ROOMS.includes(room)) return [];
  const left = ROOMS.slice(0, ROOMS.indexOf(room));
  return ROOMS_WITHOUT_PROTOCOL.includes(room) ? left.filter((name) => name !== 'protocol') : left;
}

/** Null for the entries, which may import every room. */
function roomOf(path: string): string | null {
  return /^src\/([^/]+)\//.exec(path)?.[1] ?? null;
}

/** A command family knows no other family: what two of them share moves into the store or a file of its own. */
export function findSidewaysImports(files: SourceFile[]): string[] {
  const families = new Set(
    files
      .filter(
        ({ path, text }) => path.startsWith('src/commands/') && /^export const \w+: Family\b/m.test(text),
      )
      .map(({ path }) => path),
  );
  return files
    .filter(({ path }) => families.has(path))
    .flatMap((file) =>
      importsOf(file)
        .filter(({ target }) => families.has(target))
        .map(({ target }) => `${file.path}: a family may not import the family ${target}`),
    );
}

/** Cycles of imports that are left at run time; two files may name each other's types. */
export function findCycles(files: SourceFile[]): string[] {
  const edges = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ isTypeOnly }) => !isTypeOnly)
        .map(({ target }) => target),
    ]),
  );
  const problems: string[] = [];
  const done = new Set<string>();
  const trail: string[] = [];
  const visit = (path: string): void => {
    if (trail.includes(path)) {
      problems.push(`a cycle of imports: ${[...trail.slice(trail.indexOf(path)), path].join(' → ')}`);
      return;
    }
    if (done.has(path)) return;
    trail.push(path);
    for (const target of edges.get(path) ?? []) visit(target);
    trail.pop();
    done.add(path);
  };
  for (const path of edges.keys()) visit(path);
  return problems;
}

/** Files in src/ that no thread reaches. Only tests need them? Then they belong in test/support. */
export function findUnreferencedFiles(files: SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const waiting = ENTRIES.filter((path) => byPath.has(path));
  if (waiting.length === 0) return [];
  const reached = new Set(waiting);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    const file = byPath.get(path);
    for (const { target } of file === undefined ? [] : importsOf(file)) {
      if (!reached.has(target)) waiting.push(target);
      reached.add(target);
    }
  }
  return files
    .filter(({ path }) => path.startsWith('src/') && !reached.has(path))
    .map(({ path }) => `${path}: no entry file reaches it`);
}

interface Import {
  /** The imported file, relative to the repository. */
  readonly target: string;
  readonly isTypeOnly: boolean;
}

/** The files of ours that `file` imports or re-exports; packages are left out. */
function importsOf({ path, text }: SourceFile): Import[] {
  const imports: Import[] = [];
  const statement =
    /^(?:import|export)\b(?:(\s+type)\b)?[^;'"]*?['"](\.[^'"]+)['"]|\bimport\(\s*['"](\.[^'"]+)['"]/gm;
  for (const [, typeWord, fixed, dynamic] of text.matchAll(statement)) {
    const target = normalize(join(dirname(path), (fixed ?? dynamic)!));
    imports.push({ target, isTypeOnly: typeWord !== undefined });
  }
  return imports;
}

/** `text` with everything inside comments, strings and regular expressions turned to spaces; lines stay where they are. */
export function blankCommentsAndStrings(text: string): string {
  const token =
    /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=[(,=:[!&|?{};\n]\s*|return )\/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;
  return text.replace(token, (match) => match.replace(/[^\n]/g, ' '));
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length;
}

/** Reads what `findProblems` wants from the work tree at `root`. */
export function readRepository(root: string): { files: SourceFile[]; topLevelNames: string[] } {
  const files: SourceFile[] = [];
  for (const path of new Bun.Glob(`{${CODE_FOLDERS.join(',')}}/**/*.ts`).scanSync({ cwd: root })) {
    files.push({ path, text: readFileSync(join(root, path), 'utf8') });
  }
  files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { files, topLevelNames: readdirSync(root) };
}

if (import.meta.main) {
  const { files, topLevelNames } = readRepository(ROOT);
  const problems = findProblems(files, topLevelNames);
  for (const problem of problems) console.error(problem);
  console.error(`${files.length} files, ${problems.length} problems`);
  process.exit(problems.length === 0 ? 0 : 1);
}
