/**
 * MIGRATE's way over the network: sends what was taken of the keys, and removes each key that the target has confirmed, if
 * it still is what was sent. No lock is held in between, so it may have been changed: then it is sent again, in the place of
 * what the target has got, until it was left alone for as long as that takes.
 *
 * Redis serves nobody meanwhile; a key that is changed all the time could not be moved here, and the client is told so
 * after ROUNDS_MAX attempts. The target has a copy then, the key stays here.
 */
import { Bytes } from '../../base/bytes.ts';
import {
  type MigratedKey,
  type Migration,
  type Migrator,
  takeValue,
} from '../../commands/generic/migrate.ts';
import { Command } from '../../commands/registry.ts';
import { type Call, Flag, key, KeyFlag, type Parked } from '../../commands/row.ts';
import type { Dispatcher } from '../dispatch.ts';
import type { ParkableClient } from '../parkable-client.ts';
import { log } from '../log.ts';
import { Request } from '../request.ts';
import { encodeTargetRequest, Target, TargetError } from './target.ts';

const ROUNDS_MAX = 20;
const CHANGING = 'ERR the key was changed again and again while it was migrated, and stays here';
const NAME = 'DEL';

/** Whether a key that has arrived is gone from here, or must be sent again. */
const enum Removal {
  Done,
  Changed,
}

export class Migrations implements Migrator {
  private readonly dispatcher: Dispatcher;
  /** Removes the key of the request if it is what was sent: for the journal and for who watches a DEL. */
  private readonly removing: Command;
  /** What `removing` compares the key with, and what came of it. */
  private sent: MigratedKey | null = null;
  private removal: Removal = Removal.Done;

  constructor(dispatcher: Dispatcher) {
    this.dispatcher = dispatcher;
    const row = {
      name: NAME,
      since: '1.0.0',
      arity: 2,
      flags: Flag.Write,
      keys: [key(1, KeyFlag.Remove | KeyFlag.Delete)],
      run: (call: Call) => this.remove(call),
    };
    // The number of DEL, so that what is counted by it is counted as DEL's.
    const del = dispatcher.registry.find(Buffer.from(NAME), 0, NAME.length)!;
    this.removing = new Command(del.id, row, del.group, null, null);
  }

  start({ client }: Call, parked: Parked, migration: Migration): void {
    // The dispatcher's clients are all of this kind.
    void this.migrate(client as ParkableClient, migration).then(
      (error) => parked.resume((reply) => (error === null ? reply.ok() : reply.error(error))),
      (error) => {
        log.error('MIGRATE failed', error);
        parked.resume((reply) => reply.error('ERR internal error'));
      },
    );
  }

  /** Returns the text of the error reply, or null. */
  private async migrate(client: ParkableClient, migration: Migration): Promise<string | null> {
    let target: Target | null = null;
    try {
      target = await Target.connect(migration.host, migration.port, migration.timeoutMs);
      const refusal = await greet(target, migration);
      return refusal ?? (await this.sendKeys(client, target, migration));
    } catch (error) {
      if (error instanceof TargetError) return error.message;
      throw error;
    } finally {
      target?.close();
    }
  }

  private async sendKeys(
    client: ParkableClient,
    target: Target,
    migration: Migration,
  ): Promise<string | null> {
    let refusal: string | null = null;
    let keys = migration.keys;
    let { isReplacing } = migration;
    for (let round = 0; keys.length > 0; round++) {
      if (round === ROUNDS_MAX) return refusal ?? CHANGING;
      const nowMs = Date.now();
      keys = keys.filter(({ whenMs }) => whenMs === 0 || whenMs >= nowMs);
      await target.send(keys.map((taken) => restoreRequest(taken, nowMs, isReplacing)));
      const changed: MigratedKey[] = [];
      for (const taken of keys) {
        const line = await target.readLine();
        if (line.startsWith('-')) refusal ??= refused(line);
        else if (
          !migration.isCopying &&
          this.removeSent(client, migration.database, taken) === Removal.Changed
        ) {
          changed.push(taken);
        }
      }
      keys = changed;
      isReplacing = true;
    }
    return refusal;
  }

  /** Removes a key that has arrived; if it has been changed, takes what it is now. */
  private removeSent(client: ParkableClient, database: number, taken: MigratedKey): Removal {
    const source = Bytes.allocate(NAME.length + taken.name.length);
    source.u8.write(NAME);
    taken.name.copy(source.u8, NAME.length);
    const request = new Request(source);
    request.reserve(2);
    request.args.set([0, NAME.length, NAME.length, taken.name.length]);
    this.sent = taken;
    this.removal = Removal.Done;
    this.dispatcher.runAside(this.removing, request, client, database);
    this.sent = null;
    return this.removal;
  }

  private remove(call: Call): void {
    const { keyspace, key: found } = call;
    if (keyspace.find(found) === 0) return;
    const sent = this.sent!;
    const { payload, whenMs } = sent;
    takeValue(call, sent);
    if (sent.payload.equals(payload) && sent.whenMs === whenMs) keyspace.remove(found);
    else this.removal = Removal.Changed;
  }
}

/** Says who we are and chooses the database. Returns the text of the error reply, or null. */
async function greet(target: Target, { credentials, targetDatabase }: Migration): Promise<string | null> {
  const requests = [encodeTargetRequest('SELECT', targetDatabase)];
  if (credentials.length > 0) requests.unshift(encodeTargetRequest('AUTH', ...credentials));
  await target.send(requests);
  let refusal: string | null = null;
  for (let left = requests.length; left > 0; left--) {
    const line = await target.readLine();
    if (line.startsWith('-')) refusal ??= refused(line);
  }
  return refusal;
}

function refused(line: string): string {
  return `ERR Target instance replied with error: ${line.slice(1)}`;
}

function restoreRequest({ name, payload, whenMs }: MigratedKey, nowMs: number, isReplacing: boolean): Buffer {
  const ttlMs = whenMs === 0 ? 0 : Math.max(whenMs - nowMs, 1);
  const options = isReplacing ? ['REPLACE'] : [];
  return encodeTargetRequest('RESTORE', name, String(ttlMs), payload, ...options);
}
