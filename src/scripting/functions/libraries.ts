/**
 * Libraries of functions, shared by all workers: shared memory holds the code of each, and a worker compiles what it has
 * not yet when it sees that the version has changed.
 *
 *  region
 *   byte 0      4         8            12          64
 *        +------+---------+------------+-----------+---------------------------------+
 *        | lock | version | data bytes | functions | length, code, length, code ...  |
 *        +------+---------+------------+-----------+---------------------------------+
 *  Lock: everything behind it but `version`, which anyone may read.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { ScriptMachine, Watch } from '../machine.ts';
import { SharedLock } from '../shared-lock.ts';
import { isName, type LibraryFunction, NAME_ERROR, readRegistration } from './registration.ts';

export interface Library {
  readonly name: string;
  readonly code: Buffer;
  readonly functions: readonly LibraryFunction[];
}

/** What to do with libraries there are when others are restored. */
export type RestorePolicy = 'append' | 'replace' | 'flush';

const enum Word {
  Lock = 0,
  Version = 1,
  DataBytes = 2,
}

const DATA_AT = 64;
const LINE_END = 10;

/** Gives the machine that functions are compiled into. */
export interface MachineOwner {
  readonly ready: ScriptMachine;
}

/** Redis: a library that takes longer to load is refused. Nobody could kill it: it is no script that runs. */
const LOAD_MS_MAX = 500;
/** What one worker has loaded in time should not be missing in another that is slower. */
const RELOAD_MS_MAX = 10 * LOAD_MS_MAX;

/** Ends the code of a library that takes too long. */
class LoadWatch implements Watch {
  private readonly endMs: number;

  constructor(limitMs: number) {
    this.endMs = performance.now() + limitMs;
  }

  look(): string | null {
    return performance.now() > this.endMs ? 'FUNCTION LOAD timeout' : null;
  }
}

export class FunctionLibraries {
  private readonly bytes: Bytes;
  private readonly words: Int32Array;
  private readonly lock: SharedLock;
  private readonly owner: MachineOwner;
  private libraries = new Map<string, Library>();
  private machine: ScriptMachine | null = null;
  private version = 0;

  constructor(bytes: Bytes, owner: MachineOwner) {
    this.bytes = bytes;
    this.owner = owner;
    this.words = new Int32Array(bytes.u8.buffer, bytes.u8.byteOffset, DATA_AT / 4);
    this.lock = new SharedLock(this.words, Word.Lock);
  }

  /** Every library, as all workers see them now. */
  all(): readonly Library[] {
    this.catchUp();
    return [...this.libraries.values()];
  }

  /** The code of every library, without compiling any. */
  allCodes(): Buffer[] {
    return this.lock.with(() => this.codes());
  }

  /** A function by its name, or null. */
  find(name: string): LibraryFunction | null {
    this.catchUp();
    for (const { functions } of this.libraries.values()) {
      for (const found of functions) if (found.name === name) return found;
    }
    return null;
  }

  private catchUp(): void {
    if (Atomics.load(this.words, Word.Version) === this.version && this.machine === this.owner.ready) return;
    this.lock.with(() => this.read());
  }

  /** Compiles what is new. The lock is held. */
  private read(): void {
    const machine = this.owner.ready;
    if (this.words[Word.Version] === this.version && machine === this.machine) return;
    const known = machine === this.machine ? this.libraries : new Map<string, Library>();
    const libraries = new Map<string, Library>();
    for (const code of this.codes()) {
      const name = readMetadata(code);
      if (typeof name === 'string') continue;
      const before = known.get(name.library);
      const library =
        before?.code.equals(code) === true ? before : this.compile(machine, code, RELOAD_MS_MAX);
      if (typeof library !== 'string') libraries.set(library.name, library);
    }
    this.libraries = libraries;
    this.machine = machine;
    this.version = this.words[Word.Version]!;
  }

  private codes(): Buffer[] {
    const { u8, view } = this.bytes;
    const codes: Buffer[] = [];
    const end = DATA_AT + this.words[Word.DataBytes]!;
    for (let at = DATA_AT; at < end; at += 4 + codes.at(-1)!.length) {
      codes.push(Buffer.from(u8.subarray(at + 4, at + 4 + view.getUint32(at, true))));
    }
    return codes;
  }

  /** Runs a library's code. A text is why it failed. */
  private compile(machine: ScriptMachine, code: Buffer, limitMs: number): Library | string {
    const metadata = readMetadata(code);
    if (typeof metadata === 'string') return metadata;
    const functions: LibraryFunction[] = [];
    const register = (state: number): number => {
      const read = readRegistration(machine.lua, machine.library, state);
      if (functions.some(({ name }) => name === read.name)) {
        machine.library.raise(state, 'Function already exists in the library');
      }
      functions.push(read);
      return 0;
    };
    const problem = machine.loadLibrary(code.subarray(metadata.byteCount), register, new LoadWatch(limitMs));
    if (problem !== null) return problem;
    if (functions.length === 0) return 'ERR No functions registered';
    return { name: metadata.library, code, functions };
  }

  /** Adds a library for all workers. Returns its name, or why it is refused. */
  load(code: Buffer, replaces: boolean): { readonly name: string } | string {
    const metadata = readMetadata(code);
    if (typeof metadata === 'string') return metadata;
    return this.lock.with(() => {
      this.read();
      const { library } = metadata;
      if (!replaces && this.libraries.has(library)) return `ERR Library '${library}' already exists`;
      const rest = new Map(this.libraries);
      rest.delete(library);
      const problem = this.add(rest, code);
      if (problem !== null) return problem;
      return this.publish(rest) ?? { name: library };
    });
  }

  private add(libraries: Map<string, Library>, code: Buffer): string | null {
    const library = this.compile(this.owner.ready, code, LOAD_MS_MAX);
    if (typeof library === 'string') return library;
    for (const { functions } of libraries.values()) {
      for (const { name } of functions) {
        if (library.functions.some((added) => added.name === name))
          return `ERR Function ${name} already exists`;
      }
    }
    libraries.set(library.name, library);
    return null;
  }

  /** Makes `libraries` those of all workers. The lock is held. Returns why not, or null. */
  private publish(libraries: Map<string, Library>): string | null {
    const { u8, view } = this.bytes;
    let byteCount = 0;
    for (const { code } of libraries.values()) byteCount += code.length + 4;
    if (DATA_AT + byteCount > u8.length) return 'ERR the libraries take too much memory';
    let at = DATA_AT;
    for (const { code } of libraries.values()) {
      view.setUint32(at, code.length, true);
      u8.set(code, at + 4);
      at += 4 + code.length;
    }
    this.words[Word.DataBytes] = byteCount;
    this.version = Atomics.add(this.words, Word.Version, 1) + 1;
    this.libraries = libraries;
    this.machine = this.owner.ready;
    return null;
  }

  /** Removes a library. False: there is none of that name. */
  delete(name: string): boolean {
    return this.lock.with(() => {
      this.read();
      const rest = new Map(this.libraries);
      if (!rest.delete(name)) return false;
      this.publish(rest);
      return true;
    });
  }

  flush(): void {
    this.lock.with(() => {
      this.read();
      this.publish(new Map());
    });
  }

  /** Adds several libraries, or none of them. Returns why not, or null. */
  restore(codes: readonly Buffer[], policy: RestorePolicy): string | null {
    return this.lock.with(() => {
      this.read();
      const libraries = policy === 'flush' ? new Map<string, Library>() : new Map(this.libraries);
      for (const code of codes) {
        const metadata = readMetadata(code);
        if (typeof metadata === 'string') return metadata;
        if (policy === 'append' && libraries.has(metadata.library)) {
          return `ERR Library ${metadata.library} already exists`;
        }
        libraries.delete(metadata.library);
        const problem = this.add(libraries, code);
        if (problem !== null) return problem;
      }
      return this.publish(libraries);
    });
  }
}

/** Reads a library's first line: its name, and how many bytes the line has without its end. A text is what is wrong. */
function readMetadata(code: Buffer): { readonly library: string; readonly byteCount: number } | string {
  if (code[0] !== 0x23 || code[1] !== 0x21) return 'ERR Missing library metadata';
  const end = code.indexOf(LINE_END);
  if (end < 0) return 'ERR Invalid library metadata';
  const parts = code
    .toString('latin1', 2, end)
    .split(' ')
    .filter((part) => part !== '');
  const engine = parts[0] ?? '';
  let library: string | null = null;
  for (const part of parts.slice(1)) {
    if (!part.startsWith('name=')) return `ERR Invalid metadata value given: ${part}`;
    if (library !== null) return 'ERR Invalid metadata value, name argument was given multiple times';
    library = part.slice('name='.length);
  }
  if (library === null) return 'ERR Library name was not given';
  if (!isName(library)) return `ERR ${NAME_ERROR}`;
  if (engine.toLowerCase() !== 'lua') return `ERR Engine '${engine}' not found`;
  return { library, byteCount: end };
}
