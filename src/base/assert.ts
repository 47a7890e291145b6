/** Always-on assertions. A failure is our bug: it is thrown as AssertionError and never caught on the data path. */

declare global {
  /** True under `bun run` and `bun test` (bunfig.toml [define]); the release build defines it false and drops the code. */
  const CHECKS: boolean;
}

export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws AssertionError unless `condition` holds. `text` must be a constant: it is built even on success. */
export function assert(condition: boolean, text: string): asserts condition {
  if (!condition) fail(text);
}

function fail(text: string): never {
  throw new AssertionError(text);
}
