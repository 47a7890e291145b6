/** Whether scripts have used keys that they did not declare, as far as one worker has seen. */

export const enum ScriptHabit {
  /** It has not been run here. */
  Unknown,
  /** It has used only what it declares. */
  Stays,
  /** It has used other keys: that is remembered for ever. */
  Strays,
}

export class ScriptHabits {
  /** By SHA-1. */
  private readonly ofScripts = new Map<string, ScriptHabit>();
  private readonly ofFunctions = new WeakMap<object, ScriptHabit>();

  /** `script`: the SHA-1 of a script, or a function of a library. */
  of(script: string | object): ScriptHabit {
    const known = typeof script === 'string' ? this.ofScripts.get(script) : this.ofFunctions.get(script);
    return known ?? ScriptHabit.Unknown;
  }

  /** It has been run, and was so. */
  learn(script: string | object, habit: ScriptHabit): void {
    if (habit === ScriptHabit.Unknown || this.of(script) === ScriptHabit.Strays) return;
    if (typeof script === 'string') this.ofScripts.set(script, habit);
    else this.ofFunctions.set(script, habit);
  }

  /** Forgets the scripts, which nobody knows any more. */
  forgetScripts(): void {
    this.ofScripts.clear();
  }
}

const STRAYED_TWICE =
  'ERR Two scripts used keys that they had not declared at once, and this one had written already: it was stopped ' +
  'there. Declare the keys, or run it again if that does no harm';

/** The script being run needs locks that it cannot have while it holds others: it ends there, and its runner is told. */
export class ScriptStrayedError extends Error {
  /** It has changed something, or told somebody something: it may not be begun anew. */
  readonly hasEffects: boolean;

  constructor(hasEffects: boolean) {
    super(STRAYED_TWICE);
    this.hasEffects = hasEffects;
  }
}
