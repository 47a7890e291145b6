/**
 * What a memcached command is: a row of its verb, how many tokens its line has, what is read from the line before any
 * lock is taken, and what is done under the lock of its key. Memcached's clients see logical database 0.
 */
import type { Bytes } from '../../base/bytes.ts';
import type { MemcacheWriter } from '../../protocol/memcache-writer.ts';
import type { Key } from '../../store/key.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import type { ItemRequest } from './request.ts';
import type { Client, Parked, Server } from '../row.ts';

/** How a command runs. */
export const enum MemcachedRoute {
  /** Without the lock of a key. */
  Here,
  /** Once, under the lock of its one key. */
  ByKey,
  /** Once for each key of the line, one lock after the other: memcached promises no more. */
  EachKey,
  /** As ByKey, when the data block that follows the line has arrived. */
  Store,
}

/** What reading a command's line led to. */
export const enum Parsed {
  /** `run` is to be called. */
  Run,
  /** The reply is written; nothing is to be done. */
  Refused,
  /** As Refused, and the item must go, so that what the client wanted to replace does not live on. */
  RefusedAndDropped,
}

export interface MemcachedRow {
  readonly verb: string;
  /** Tokens of the line, the verb included. */
  readonly tokensMin: number;
  readonly tokensMax: number;
  readonly route: MemcachedRoute;
  /** CLIENT PAUSE WRITE holds it back. */
  readonly writes: boolean;
  /** Reads the line into `call.request`. Changes nothing else: it may be called again when more input has come. */
  readonly parse?: (call: MemcachedCall) => Parsed;
  readonly run: (call: MemcachedCall) => void;
  /** EachKey: after the last key. */
  readonly finish?: (call: MemcachedCall) => void;
}

/** One client connection as a memcached command sees it. */
export interface MemcachedClient extends Pick<
  Client,
  'authenticated' | 'permissions' | 'account' | 'gates' | 'describe' | 'logIn'
> {
  closeAfterReply(): void;
  /** The reply grew larger than the client's output limit lets it be. */
  refuseReply(): void;
  park(): Parked;
}

/** One command being run. The same object serves command after command. */
export interface MemcachedCall {
  /** Where the tokens of the line lie in `source`: start at 2i, length in bytes at 2i + 1; token 0 is the verb. */
  readonly source: Bytes;
  readonly args: Int32Array;
  readonly count: number;
  readonly request: ItemRequest;
  readonly keyspace: Keyspace;
  /** The key, located; its lock is held. */
  readonly key: Key;
  readonly reply: MemcacheWriter;
  readonly client: MemcachedClient;
  readonly server: Server;
  /** Physical database. */
  readonly database: number;
  /** Commands that may grow the data are refused. */
  readonly memoryFull: boolean;
  /** Sees to room for so many bytes, before the request takes its lock. False: there is none. */
  makeRoom(byteCount: number): boolean;
  /** Largest item, counted as memcached counts it (memcached-item-size-max). */
  readonly itemBytesMax: number;
  /** Raises one of memcached's statistics. */
  countEvent(event: MemcachedEvent): void;
  /** Token as text (latin1). */
  text(index: number): string;
  /**
   * Empties the database after `delayMs`, unless another flush is ordered before that, by whichever client. False: it was
   * to be now, and a script keeps the data busy.
   */
  flushLater(delayMs: number): boolean;
}

/** What `stats` counts, in memcached's words. Each worker counts for itself, from Counter.MemcachedFirst on. */
export const enum MemcachedEvent {
  CommandGet = 0,
  CommandSet = 1,
  CommandFlush = 2,
  CommandTouch = 3,
  CommandMeta = 4,
  GetHits = 5,
  GetMisses = 6,
  DeleteHits = 7,
  DeleteMisses = 8,
  IncrementHits = 9,
  IncrementMisses = 10,
  DecrementHits = 11,
  DecrementMisses = 12,
  CasHits = 13,
  CasMisses = 14,
  CasBadValue = 15,
  TouchHits = 16,
  TouchMisses = 17,
  StoreTooLarge = 18,
  StoreNoMemory = 19,
  AuthCommands = 20,
  AuthErrors = 21,
  TotalItems = 22,
  Count = 23,
}
