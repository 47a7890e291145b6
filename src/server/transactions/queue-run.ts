/** Runs what a transaction has queued, under locks that are held, one command after the other. */
import type { Command } from '../../commands/registry.ts';
import type { Parked, Server } from '../../commands/row.ts';
import { Counter } from '../../memory/control.ts';
import type { RespWriter } from '../../protocol/resp-writer.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import type { Journal } from '../journal/journal.ts';
import type { ParkableClient } from '../parkable-client.ts';
import type { RequestArguments } from '../request.ts';
import { LateReplies } from './late-replies.ts';
import type { Transaction } from './transaction.ts';

/** The dispatcher. */
interface QueueRunner {
  readonly keyspace: Keyspace;
  readonly server: Server;
  readonly journal: Journal;
  readonly reply: RespWriter;
  /** Where the reply of the command being run begins. */
  replyStart: number;
  take(request: RequestArguments): void;
  runObserved(command: Command, request: RequestArguments, hash: number): void;
}

export class QueueRun {
  /** The replies of the transaction under way while one of its commands runs; null: none may come later. */
  private lateReplies: LateReplies | null = null;

  /** Runs the commands and replies with an array. */
  run(runner: QueueRunner, client: ParkableClient, transaction: Transaction): void {
    const { reply } = runner;
    const counters = runner.keyspace.counters;
    let start = reply.at;
    const late = new LateReplies();
    runner.journal.beginGroup();
    reply.array(transaction.count);
    for (let index = 0; index < transaction.count; index++) {
      const request = transaction.at(index);
      const command = request.command!;
      runner.take(request);
      runner.replyStart = reply.at;
      counters[Counter.CommandsProcessed]!++;
      const refusal = runner.server.accessLog.refuse(client, command, request, 'multi');
      if (refusal !== null) {
        reply.error(refusal);
        continue;
      }
      this.lateReplies = late;
      runner.runObserved(command, request, -1);
      this.lateReplies = null;
      if (late.isExpecting) start = late.takeWritten(reply, start);
    }
    if (late.isEmpty) return;
    late.finish(reply.take(start, reply.at), client.park());
    reply.at = start;
  }

  /** The command being run replies later, through the result; null: it is none of a transaction's. */
  park(client: ParkableClient): Parked | null {
    return this.lateReplies?.add(client.version) ?? null;
  }
}
