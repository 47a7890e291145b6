/**
 * Scripts as one worker runs them: the machine, made when it is first needed and replaced when it is spent, the store
 * that all workers share, and the limit on time.
 */
import { Bytes } from '../base/bytes.ts';
import { type BusyScript, BusyScripts } from './busy-scripts.ts';
import type { RespWriter } from '../protocol/resp-writer.ts';
import { FunctionLibraries } from './functions/libraries.ts';
import type { LibraryFunction } from './functions/registration.ts';
import { type ScriptArguments, ScriptMachine, type Watch } from './machine.ts';
import type { ScriptHost } from './redis-library.ts';
import { ScriptHabits } from './script-habits.ts';
import { ScriptStates } from './script-state.ts';
import { ScriptStore, sha1 } from './script-store.ts';
import { readShebang, ScriptFlag } from './shebang.ts';

/** Told when a script takes long: those who wait for what it holds need not wait on. */
export interface BusyBell {
  ring(script: Omit<BusyScript, 'worker'>): void;
  /** It has ended. */
  hush(): void;
}

export const SCRIPT_KILLED = 'Script killed by user with SCRIPT KILL.';
export const FUNCTION_KILLED = 'Script killed by user with FUNCTION KILL.';
/** What is told of the command that runs a script. */
const WORDS_MAX = 128;
const WORD_BYTES_MAX = 4096;
const STORE_AT = ScriptStates.bytes;
/** What all workers share: a quarter is for libraries, and nearly all of the rest for scripts. Committed as it is used. */
export const SCRIPT_MEMORY_BYTES = 256 << 20;
/** The same for a worker alone. */
export const LONE_MEMORY_BYTES = 8 << 20;

export class Scripts implements Watch {
  readonly store: ScriptStore;
  readonly states: ScriptStates;
  readonly libraries: FunctionLibraries;
  /** Those of the other workers. */
  readonly busyElsewhere = new BusyScripts();
  readonly habits = new ScriptHabits();
  /** What the script being run may do: a set of ScriptFlag, with NoWrites when the command was a read-only one. */
  flags = 0;
  /** Whether it has written. */
  hasWritten = false;
  /** A script runs. */
  isRunning = false;
  timeLimitMs = 5000;
  private readonly host: ScriptHost;
  private readonly versionText: string;
  private readonly bell: BusyBell;
  private machine: ScriptMachine | null = null;
  private readonly flagsOf = new Map<string, number>();
  private startedMs = 0;
  private name = '';
  private request: ScriptArguments | null = null;
  private isFunction = false;
  private hasRung = false;

  constructor(
    memory: SharedArrayBuffer,
    workerIndex: number,
    host: ScriptHost,
    versionText: string,
    bell: BusyBell,
  ) {
    this.host = host;
    this.versionText = versionText;
    this.bell = bell;
    const librariesBytes = memory.byteLength >> 2;
    const librariesAt = memory.byteLength - librariesBytes;
    this.states = new ScriptStates(memory, workerIndex);
    this.store = new ScriptStore(memory, STORE_AT, librariesAt - STORE_AT, () => {
      this.machine?.forgetScripts();
      this.flagsOf.clear();
      this.habits.forgetScripts();
    });
    this.libraries = new FunctionLibraries(new Bytes(memory, librariesAt, librariesBytes), this);
  }

  /** The machine; libraries must be loaded into it before one of their functions is run. */
  get ready(): ScriptMachine {
    if (this.machine === null || this.machine.isSpent) {
      this.machine = new ScriptMachine(this.host, this.versionText);
      this.flagsOf.clear();
    }
    return this.machine;
  }

  /** Checks and compiles a body, and makes it known to all workers. Returns why it is refused, or null. */
  load(sha: string, body: Buffer): string | null {
    const problem = this.prepare(sha, body);
    if (problem === null) this.store.add(sha, Buffer.from(body));
    return problem;
  }

  /** Like `load`, and has the script ready even if another worker forgets all scripts meanwhile. Returns as `find`. */
  learn(sha: string, body: Buffer): number | string {
    return this.load(sha, body) ?? this.prepare(sha, body) ?? this.flagsOf.get(sha)!;
  }

  /** Has a script ready to be run in this worker. */
  private prepare(sha: string, body: Buffer): string | null {
    const machine = this.ready;
    if (this.flagsOf.has(sha)) return null;
    const shebang = readShebang(body);
    if (typeof shebang === 'string') return shebang;
    const problem = machine.compile(sha, body.subarray(shebang.byteCount));
    if (problem === null) this.flagsOf.set(sha, shebang.flags);
    return problem;
  }

  /** Has the script called `sha` ready, if any worker knows it. Returns its flags, -1 when it is unknown, or the error. */
  find(sha: string): number | string {
    const body = this.store.find(sha);
    if (body === null) return -1;
    const problem = this.prepare(sha, body);
    return problem ?? this.flagsOf.get(sha)!;
  }

  /** Runs a script that `find` or `learn` has made ready. */
  run(sha: string, flags: number, request: ScriptArguments, reply: RespWriter): void {
    const machine = this.ready;
    this.begin(sha, request, flags, false);
    try {
      machine.runScript(sha, request, reply, this);
    } finally {
      this.end(sha);
    }
  }

  /** Runs a function of a library. */
  runFunction(found: LibraryFunction, request: ScriptArguments, reply: RespWriter): void {
    const machine = this.ready;
    this.begin(found.name, request, found.flags, true);
    try {
      machine.runFunction(found.name, found.ref, request, reply, this);
    } finally {
      this.end(found);
    }
  }

  private begin(name: string, request: ScriptArguments, flags: number, isFunction: boolean): void {
    this.name = name;
    this.request = request;
    this.startedMs = Date.now();
    this.flags = flags;
    this.isFunction = isFunction;
    this.hasWritten = false;
    this.hasRung = false;
    this.isRunning = true;
    this.states.begin(isFunction, this.startedMs);
    this.host.begin();
  }

  private end(script: string | LibraryFunction): void {
    this.host.end();
    this.isRunning = false;
    this.request = null;
    // Of one that was killed it is not known what it would have used.
    if (!this.states.isKilled) this.habits.learn(script, this.host.habit);
    if (this.hasRung) this.bell.hush();
    this.states.end();
  }

  /** The script is about to write. Returns why it may not, or null. */
  mayWrite(): string | null {
    if ((this.flags & ScriptFlag.NoWrites) !== 0)
      return 'Write commands are not allowed from read-only scripts.';
    if (this.hasWritten) return null;
    if (!this.states.writes()) return this.killText;
    this.hasWritten = true;
    return null;
  }

  private get killText(): string {
    return this.isFunction ? FUNCTION_KILLED : SCRIPT_KILLED;
  }

  private describe(): Omit<BusyScript, 'worker'> {
    const { name, isFunction, startedMs } = this;
    const { source, args, count } = this.request!;
    const words = Array.from({ length: Math.min(count, WORDS_MAX) }, (_, index) => {
      const start = args[index * 2]!;
      return source.u8.toString('latin1', start, start + Math.min(args[index * 2 + 1]!, WORD_BYTES_MAX));
    });
    return { name, isFunction, startedMs, words };
  }

  look(): string | null {
    if (this.states.isKilled) return this.killText;
    if (!this.hasRung && Date.now() - this.startedMs > this.timeLimitMs) {
      this.hasRung = true;
      this.bell.ring(this.describe());
    }
    return null;
  }
}

export { ScriptFlag, sha1 };
