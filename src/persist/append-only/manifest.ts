/**
 * The manifest of a multi-part append-only file, as Redis 7 has it: a text file that names the parts. The data are the base
 * and then every increment in order; what is history is about to be removed.
 *
 *   file appendonly.aof.3.base.rdb seq 3 type b
 *   file appendonly.aof.7.incr.aof seq 7 type i
 *
 * It is replaced as a whole, so that whatever happens there is either the old list of parts or the new one.
 */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { splitArguments } from '../../base/split-arguments.ts';
import { syncFolder } from '../snapshot-file.ts';

export type PartType = 'b' | 'i' | 'h';

export interface ManifestPart {
  readonly name: string;
  readonly sequence: number;
  readonly type: PartType;
}

const LINE_BYTES_MAX = 1024;

export class Manifest {
  /** `appendfilename`. */
  readonly fileName: string;
  base: ManifestPart | null = null;
  increments: ManifestPart[] = [];
  history: ManifestPart[] = [];
  private baseSequence = 0;
  private incrementSequence = 0;

  constructor(fileName: string) {
    this.fileName = fileName;
  }

  static nameFor(fileName: string): string {
    return `${fileName}.manifest`;
  }

  get isEmpty(): boolean {
    return this.base === null && this.increments.length === 0;
  }

  /** Parses the text of a manifest. Throws with a text for people. */
  static parse(fileName: string, text: string): Manifest {
    const manifest = new Manifest(fileName);
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    if (lines.length === 0) throw new Error('Found an empty AOF manifest');
    lines.forEach((line, index) => manifest.addLine(line, index + 1));
    if (manifest.isEmpty && manifest.history.length === 0) throw new Error('Found an empty AOF manifest');
    return manifest;
  }

  private addLine(line: string, number: number): void {
    const fail = (reason: string): never => {
      throw new Error(`${reason}, line ${number} of the manifest: ${line.slice(0, 100)}`);
    };
    if (line.startsWith('#')) return;
    if (line.length > LINE_BYTES_MAX) return fail('The AOF manifest file contains too long line');
    const words = splitArguments(line.trim())?.map((word) => Buffer.from(word).toString()) ?? null;
    if (words === null || words.length < 6 || words.length % 2 !== 0) {
      return fail('Invalid AOF manifest file format');
    }
    const fields = new Map<string, string>();
    for (let i = 0; i < words.length; i += 2) {
      fields.set(words[i]!.toLowerCase(), words[i + 1]!);
    }
    const name = fields.get('file') ?? '';
    const sequence = Number(fields.get('seq') ?? 0);
    if (name === '' || !(sequence > 0) || !fields.has('type'))
      return fail('Invalid AOF manifest file format');
    if (name.includes('/')) return fail("AOF file name can't be a path, just a filename");
    this.addPart({ name, sequence, type: fields.get('type') as PartType }, fail);
  }

  private addPart(part: ManifestPart, fail: (reason: string) => never): void {
    if (part.type === 'b') {
      if (this.base !== null) fail('Found duplicate base file information');
      this.base = part;
      this.baseSequence = part.sequence;
    } else if (part.type === 'h') this.history.push(part);
    else if (part.type === 'i') {
      if (part.sequence <= this.incrementSequence) fail('Found a non-monotonic sequence number');
      this.increments.push(part);
      this.incrementSequence = part.sequence;
    } else fail('Unknown AOF file type');
  }

  /** A copy that may be changed while this one is still what counts. */
  copy(): Manifest {
    const copy = new Manifest(this.fileName);
    copy.base = this.base;
    copy.increments = [...this.increments];
    copy.history = [...this.history];
    copy.baseSequence = this.baseSequence;
    copy.incrementSequence = this.incrementSequence;
    return copy;
  }

  /** Name of the next base. `isSnapshot`: it is a snapshot, not a list of requests. */
  nextBaseName(isSnapshot: boolean): string {
    return `${this.fileName}.${this.baseSequence + 1}.base.${isSnapshot ? 'rdb' : 'aof'}`;
  }

  /** Makes a file the base, in the place of the last one; `name` is that of `nextBaseName` unless it is from before Redis 7. */
  setBase(name: string): void {
    if (this.base !== null) this.history.push({ ...this.base, type: 'h' });
    this.base = { name, sequence: ++this.baseSequence, type: 'b' };
  }

  /** Appends an increment and returns its name. */
  addIncrement(): string {
    const sequence = ++this.incrementSequence;
    const name = `${this.fileName}.${sequence}.incr.aof`;
    this.increments.push({ name, sequence, type: 'i' });
    return name;
  }

  /** All increments but the last `kept` are in the base now. */
  retireIncrements(kept: number): void {
    const retired = this.increments.splice(0, this.increments.length - kept);
    this.history.push(...retired.map((part) => ({ ...part, type: 'h' as const })));
  }

  toString(): string {
    const parts = [...(this.base === null ? [] : [this.base]), ...this.history, ...this.increments];
    return parts
      .map(({ name, sequence, type }) => `file ${quoted(name)} seq ${sequence} type ${type}\n`)
      .join('');
  }

  /** Replaces the manifest in `folder`. Throws when that fails: the old one then still stands. */
  save(folder: string): void {
    const path = join(folder, Manifest.nameFor(this.fileName));
    const temporary = join(folder, `temp-${Manifest.nameFor(this.fileName)}`);
    const file = openSync(temporary, 'w');
    try {
      const text = Buffer.from(this.toString());
      for (let at = 0; at < text.length;) at += writeSync(file, text, at, text.length - at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
    syncFolder(folder);
  }
}

/** Redis: a name with blanks or the like is written as it would be in a configuration file. */
function quoted(name: string): string {
  return /^[\w.\-+@%,:=~^]+$/.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`;
}
