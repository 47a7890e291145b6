/** Scripts that have been running for longer than busy-reply-threshold, as their workers have told the other threads. */

export interface BusyScript {
  readonly worker: number;
  readonly isFunction: boolean;
  /** A function's name, or a script's SHA-1. */
  readonly name: string;
  /** Arguments of the command that runs it, a character for each byte; long ones are cut. */
  readonly words: readonly string[];
  readonly startedMs: number;
}

export class BusyScripts {
  private readonly byWorker = new Map<number, BusyScript>();

  add(script: BusyScript): void {
    this.byWorker.set(script.worker, script);
  }

  remove(worker: number): void {
    this.byWorker.delete(worker);
  }

  get isEmpty(): boolean {
    return this.byWorker.size === 0;
  }

  get workers(): readonly number[] {
    return [...this.byWorker.keys()];
  }

  /** The one that has been running for the longest, or null. */
  get longest(): BusyScript | null {
    let found: BusyScript | null = null;
    for (const script of this.byWorker.values()) {
      if (found === null || script.startedMs < found.startedMs) found = script;
    }
    return found;
  }
}
