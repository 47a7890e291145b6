/** What is wrong with a file or a payload, and where. It says nothing about us: whoever reads catches it. */

export class RdbError extends Error {
  override readonly name = 'RdbError';
  /** Byte of the file or payload. */
  readonly offset: number;
  readonly reason: string;
  /** What there is of it may be sound: it ends too soon. */
  readonly isShort: boolean;

  constructor(offset: number, reason: string, isShort = false) {
    super(`${reason} at byte ${offset}`);
    this.offset = offset;
    this.reason = reason;
    this.isShort = isShort;
  }
}
