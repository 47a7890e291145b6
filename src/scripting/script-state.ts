/**
 * Which workers run a script, in memory that all of them share: so that another worker can tell that one is running and
 * have it killed. One word tells the state, and changes by compare-and-swap: a script that is to be killed does not
 * begin to write, and one that has written is not killed.
 */

const WORDS_PER_WORKER = 16;

/** Words of one worker. */
const enum Word {
  State = 0,
  /** Not zero: a function runs, not a script. */
  IsFunction = 1,
  /** When it began: ms, low and high. */
  StartedLow = 2,
  StartedHigh = 3,
}

/** What a worker's script does. */
export const enum ScriptState {
  Idle = 0,
  Running = 1,
  Written = 2,
  Killed = 3,
}

/** Index of a thread that runs no scripts. */
export const NO_WORKER = -1;
export const WORKERS_MAX = 1024;

export class ScriptStates {
  private readonly words: Int32Array;
  private readonly own: number;

  constructor(memory: SharedArrayBuffer, workerIndex: number) {
    this.words = new Int32Array(memory, 0, WORDS_PER_WORKER * WORKERS_MAX);
    this.own = workerIndex * WORDS_PER_WORKER;
  }

  static readonly bytes = WORDS_PER_WORKER * WORKERS_MAX * 4;

  begin(isFunction: boolean, nowMs: number): void {
    const { words, own } = this;
    words[own + Word.IsFunction] = isFunction ? 1 : 0;
    words[own + Word.StartedLow] = nowMs | 0;
    words[own + Word.StartedHigh] = Math.floor(nowMs / 2 ** 32);
    Atomics.store(words, own + Word.State, ScriptState.Running);
  }

  end(): void {
    Atomics.store(this.words, this.own + Word.State, ScriptState.Idle);
  }

  /** The script is about to write. False: it has been killed. */
  writes(): boolean {
    const before = Atomics.compareExchange(
      this.words,
      this.own + Word.State,
      ScriptState.Running,
      ScriptState.Written,
    );
    return before !== ScriptState.Killed;
  }

  get isKilled(): boolean {
    return Atomics.load(this.words, this.own + Word.State) === ScriptState.Killed;
  }

  /** Whether a worker runs a script or a function. */
  isRunning(worker: number): boolean {
    return Atomics.load(this.words, worker * WORDS_PER_WORKER + Word.State) !== ScriptState.Idle;
  }

  /** When the worker's script or function began, or -1 when none runs. */
  private startedMs(at: number): number {
    if (Atomics.load(this.words, at + Word.State) === ScriptState.Idle) return -1;
    return this.words[at + Word.StartedHigh]! * 2 ** 32 + (this.words[at + Word.StartedLow]! >>> 0);
  }

  /** The worker that has been running a script for the longest, this one excepted; -1: there is none. */
  private longest(): number {
    let found = -1;
    let foundMs = Infinity;
    for (let at = 0; at < this.words.length; at += WORDS_PER_WORKER) {
      if (at === this.own) continue;
      const ms = this.startedMs(at);
      if (ms < 0 || ms >= foundMs) continue;
      found = at;
      foundMs = ms;
    }
    return found;
  }

  /** What has been running for the longest in another worker is a function, not a script. */
  get isFunctionRunning(): boolean {
    const at = this.longest();
    return at >= 0 && this.words[at + Word.IsFunction] !== 0;
  }

  /** Kills the script, or the function, that has been running for the longest. */
  kill(isFunction: boolean): 'killed' | 'none' | 'written' | 'other kind' {
    const at = this.longest();
    if (at < 0) return 'none';
    if (Atomics.load(this.words, at) === ScriptState.Written) return 'written';
    if ((this.words[at + Word.IsFunction] !== 0) !== isFunction) return 'other kind';
    const before = Atomics.compareExchange(this.words, at, ScriptState.Running, ScriptState.Killed);
    if (before === ScriptState.Idle) return 'none';
    return before === ScriptState.Written ? 'written' : 'killed';
  }
}
