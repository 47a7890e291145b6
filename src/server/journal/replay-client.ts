/** The client for which a stream of requests is run again: may everything, is seen by nobody, gets no replies. */
import { Key } from '../../store/key.ts';
import { writeItemClientFlags } from '../../store/record.ts';
import type { Command } from '../../commands/registry.ts';
import { Gate, type Parked } from '../../commands/row.ts';
import type { Engine } from '../engine.ts';
import type { ParkableClient } from '../parkable-client.ts';
import type { Request } from '../request.ts';
import type { Transaction, WatchedKey } from '../transactions/transaction.ts';
import { underLock } from '../visiting.ts';

export class ReplayClient implements ParkableClient {
  readonly id = 0;
  readonly address = '';
  readonly authenticated = true;
  readonly user = 'default';
  readonly account = 'default';
  readonly permissions = null;
  readonly isLocal = true;
  gates: number = Gate.None;
  database = 0;
  version = 2 as const;
  name = '';
  libraryName = '';
  libraryVersion = '';
  noTouch = true;
  noEvict = true;
  replyMode = 'on' as const;
  blocked = false;
  lastCommand: Command | null = null;
  transaction: Transaction | null = null;
  watched: Map<string, WatchedKey> | null = null;
  /** memcached's flags for the string that the next request sets. */
  itemFlags = 0;
  private readonly engine: Engine;
  private readonly key: Key;

  constructor(engine: Engine) {
    this.engine = engine;
    this.key = new Key(engine.keyspace.shards[0]!);
  }

  /** Runs one request. Returns why that is impossible, or ''; what the command itself replies counts for nothing. */
  run(request: Request): string {
    const { dispatcher, registry } = this.engine;
    const { source, args } = request;
    if (registry.find(source.u8, args[0]!, args[1]!) === null) {
      return `unknown command '${source.u8.toString('latin1', args[0]!, args[0]! + args[1]!).slice(0, 64)}'`;
    }
    const start = dispatcher.reply.at;
    dispatcher.run(request, false, this);
    dispatcher.reply.at = start;
    if (this.itemFlags !== 0) this.setItemFlags(request);
    return '';
  }

  private setItemFlags({ source, args, count }: Request): void {
    const { keyspace } = this.engine;
    const { key, itemFlags } = this;
    this.itemFlags = 0;
    if (count < 3) return;
    keyspace.locate(key, source, args[2]!, args[3]!, keyspace.physicalDatabase(this.database));
    underLock(key.shard, () => {
      if (keyspace.find(key) === 0 || keyspace.ensureCas(key) === 0) return;
      writeItemClientFlags(key.shard, key.record, itemFlags);
    });
  }

  park(): Parked {
    return { resume: () => {} };
  }

  logIn(): void {}
  logOut(): void {}
  closeAfterReply(): void {}
  deliver(): void {}
  refuseReply(): void {}
  describe(): string {
    return '';
  }
}
