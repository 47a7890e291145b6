/** What clients wait to have done: the operations of blocking commands as the numbers that the interest table keeps. */
import type { RespWriter } from '../protocol/resp-writer.ts';
import type { Wait } from '../store/interests.ts';
import type { Key } from '../store/key.ts';
import type { Keyspace } from '../store/keyspace.ts';

/** Kinds of operations, in bits 0-3. The first ones are about lists. */
export const enum Operation {
  ListPop = 0,
  ListPopMany = 1,
  ListMove = 2,
  ListMoveMany = 3,
  SortedSetPop = 4,
  SortedSetPopMany = 5,
  /** Reads and takes nothing: all who wait are served. */
  StreamRead = 6,
  StreamReadGroup = 7,
  Mask = 15,
}

/** Ends and orders, in bits 4-7. */
export const enum OperationFlag {
  None = 0,
  /** From the end of a list, or the highest score; else from its front, or the lowest. */
  FromEnd = 16,
  /** To the end of the destination. */
  ToEnd = 32,
  /** All at once, and so in their old order; else one after the other. */
  InBulk = 64,
}

/** A wait that is being served. */
export interface ServedWait {
  readonly keyspace: Keyspace;
  /** The key, which holds enough elements of the right type. */
  readonly key: Key;
  /** Where they are to be moved to, if they are. */
  readonly destination: Key;
  readonly wait: Wait;
  /** The waiting client's reply. */
  readonly reply: RespWriter;
}
