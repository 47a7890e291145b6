/** The hashes of a request's keys, the shards whose locks they ask for, and their memory fetched ahead together. */
import type { Command } from '../commands/registry.ts';
import { collectKeyPositions } from '../commands/key-positions.ts';
import { type Call, KeyFlag } from '../commands/row.ts';
import type { Interests } from '../store/interests.ts';
import type { Key } from '../store/key.ts';
import { FETCH_AHEAD_MAX, type Keyspace } from '../store/keyspace.ts';
import type { ShardLocks } from './shard-locks.ts';

export class KeyHashes {
  private readonly keyspace: Keyspace;
  private readonly locks: ShardLocks;
  private readonly positions: number[] = [];
  /** By argument. */
  private hashes = new Int32Array(64);
  private readonly aheadHashes = new Int32Array(FETCH_AHEAD_MAX);
  private aheadCount = 0;

  constructor(keyspace: Keyspace, locks: ShardLocks) {
    this.keyspace = keyspace;
    this.locks = locks;
  }

  /** Hashes the keys of the request in `call`, wants the locks of their shards, and locates the first as `call.key`. */
  hash(call: Call, command: Command): void {
    if (this.hashes.length < call.count) this.hashes = new Int32Array(call.count * 2);
    this.aheadCount = 0;
    if (command.keyFirst !== 0) this.hashRange(call, command);
    else this.hashSpecified(call, command);
    if (this.aheadCount > 1) this.keyspace.fetchAhead(this.aheadHashes, this.aheadCount);
    if (command.row.locksAll?.(call) === true) this.locks.wantAll();
    if (command.row.otherDatabase !== undefined) {
      this.wantInDatabase(call, command, command.row.otherDatabase(call));
    }
  }

  /** Hot: MGET, MSET and DEL, whose keys stand one after the other. */
  private hashRange(call: Call, command: Command): void {
    const { keyspace, locks, hashes, aheadHashes } = this;
    const { source, args, database } = call;
    const { keyFirst, keyLast, keyStep } = command;
    const last = keyLast < 0 ? call.count + keyLast : keyFirst + keyLast;
    let aheadCount = 0;
    for (let position = keyFirst; position <= last; position += keyStep) {
      const hash = keyspace.hash(source, args[position * 2]!, args[position * 2 + 1]!, database);
      hashes[position] = hash;
      locks.want(keyspace.shardIndexOf(hash));
      if (aheadCount === FETCH_AHEAD_MAX) {
        keyspace.fetchAhead(aheadHashes, aheadCount);
        aheadCount = 0;
      }
      aheadHashes[aheadCount++] = hash;
    }
    this.aheadCount = aheadCount;
    this.locate(call, keyFirst, call.key);
  }

  private hashSpecified(call: Call, command: Command): void {
    const positions = this.find(call, command);
    for (let i = 0; i < positions.length; i += 2) {
      if ((positions[i + 1]! & KeyFlag.NotKey) === 0) this.hashKey(call, positions[i]!);
    }
    if (positions.length > 0) this.locate(call, positions[0]!, call.key);
  }

  /** Positions and KeyFlag sets of the request's keys, pair by pair. */
  find(call: Call, command: Command): readonly number[] {
    const { positions } = this;
    positions.length = 0;
    collectKeyPositions(command, { u8: call.source.u8, args: call.args, count: call.count }, positions);
    return positions;
  }

  private hashKey({ source, args, database }: Call, position: number): void {
    const { keyspace } = this;
    const hash = keyspace.hash(source, args[position * 2]!, args[position * 2 + 1]!, database);
    this.hashes[position] = hash;
    this.locks.want(keyspace.shardIndexOf(hash));
    this.aheadHashes[this.aheadCount++] = hash;
    if (this.aheadCount < FETCH_AHEAD_MAX) return;
    keyspace.fetchAhead(this.aheadHashes, this.aheadCount);
    this.aheadCount = 0;
  }

  /** Wants the shards of the command's keys in another logical database too; there may be no such database. */
  private wantInDatabase(call: Call, command: Command, logical: number): void {
    if (logical < 0 || logical >= Number(call.server.setting('databases'))) return;
    const database = this.keyspace.physicalDatabase(logical);
    const positions = this.find(call, command);
    for (let i = 0; i < positions.length; i += 2) {
      const at = positions[i]! * 2;
      const hash = this.keyspace.hash(call.source, call.args[at]!, call.args[at + 1]!, database);
      this.locks.want(this.keyspace.shardIndexOf(hash));
    }
  }

  /** Whether what the command gives to its keys may have to be moved on to others, whose shards are not locked. */
  mayMove(call: Call, command: Command, interests: Interests): boolean {
    if (command.row.otherDatabase !== undefined) return true;
    const positions = this.find(call, command);
    for (let i = 0; i < positions.length; i += 2) {
      if ((positions[i + 1]! & KeyFlag.NotKey) !== 0) continue;
      this.locate(call, positions[i]!, call.otherKey);
      if (interests.awaitsMove(call.otherKey)) return true;
    }
    return false;
  }

  /** Points `key` at argument `index`, which is among the keys hashed last. */
  locate({ source, args, database }: Call, index: number, key: Key): void {
    const at = index * 2;
    this.keyspace.locateHashed(key, source, args[at]!, args[at + 1]!, database, this.hashes[index]!);
  }
}
