/** Requests of a pipeline are looked at before they are run, so that the memory of all their keys is fetched at once. */
import type { Registry } from '../commands/registry.ts';
import { FETCH_AHEAD_MAX, type Keyspace } from '../store/keyspace.ts';
import { Gate } from '../commands/row.ts';
import type { TrackedKeys } from '../store/tracked-keys.ts';
import type { ParkableClient } from './parkable-client.ts';
import type { Request } from './request.ts';

export class ReadAhead {
  private readonly keyspace: Keyspace;
  private readonly registry: Registry;
  private readonly hashes = new Int32Array(FETCH_AHEAD_MAX);
  /** The physical database that the hashes of the last `prepare` are for. */
  database = -1;

  /** What clients here have read that track. */
  tracked: TrackedKeys | null = null;

  constructor(keyspace: Keyspace, registry: Registry) {
    this.keyspace = keyspace;
    this.registry = registry;
  }

  /**
   * Looks up what the first `count` requests of `ahead` ask for, and has the memory of their keys fetched. Changes
   * nothing and takes no lock: what it finds is checked again when they are run.
   */
  prepare(ahead: readonly Request[], count: number, client: ParkableClient): void {
    const { keyspace, registry, hashes } = this;
    const database = keyspace.physicalDatabase(client.database);
    this.database = database;
    let hashCount = 0;
    for (let i = 0; i < count; i++) {
      const request = ahead[i]!;
      const { args, source } = request;
      const command = registry.find(source.u8, args[0]!, args[1]!);
      request.command = command;
      if (command === null) continue;
      const position = command.singleKey;
      if (position === 0 || position >= request.count) continue;
      request.hash = keyspace.hash(source, args[position * 2]!, args[position * 2 + 1]!, database);
      hashes[hashCount++] = request.hash;
    }
    keyspace.fetchAhead(hashes, hashCount);
    // Only in the first database these are also the hashes of the keys' texts.
    if ((client.gates & Gate.Tracking) !== 0 && database === 0) this.tracked?.fetchAhead(hashes, hashCount);
  }
}
