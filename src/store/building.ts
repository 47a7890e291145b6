/** What the builders of collections have in common. */
import type { Bytes } from '../base/bytes.ts';

/** What came of adding something to a collection in the making. */
export const enum Building {
  /** The collection must be abandoned. */
  OutOfMemory = 0,
  Added = 1,
  /** It is there already; nothing was changed. */
  Duplicate = 2,
}

/** A text wherever it lies. */
export interface Text {
  readonly bytes: Bytes;
  readonly at: number;
  readonly byteCount: number;
}
