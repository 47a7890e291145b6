/** Snapshots as clients ask for them: the keeper takes them (server/keeper/snapshots.ts). */
import { SaveBoard } from '../../memory/save-board.ts';
import { SYNTAX_ERROR } from '../replies.ts';
import { type Call, type Family, Flag } from '../row.ts';

/** What BGSAVE asks the keeper... */
export interface BackgroundSaveRequest {
  /** Later, if it cannot be begun at once. */
  readonly isScheduling: boolean;
  /** Later in any case. */
  readonly isDeferred: boolean;
}

/** ...and gets: one of both. `error` begins with an error's code. */
export interface SaveAnswer {
  readonly status?: string;
  readonly error?: string;
}

export const persistenceFamily: Family = {
  group: 'server',
  rows: [
    {
      name: 'SAVE',
      since: '1.0.0',
      arity: 1,
      flags: Flag.NoAsyncLoading | Flag.Admin | Flag.NoScript | Flag.NoMulti,
      summary: 'Writes a snapshot of all data to the file, and replies when it is there.',
      run: saveCommand,
    },
    {
      name: 'BGSAVE',
      since: '1.0.0',
      arity: -1,
      flags: Flag.NoAsyncLoading | Flag.Admin | Flag.NoScript,
      summary: 'Begins to write a snapshot of all data to the file.',
      run: backgroundSaveCommand,
    },
    {
      name: 'LASTSAVE',
      since: '1.0.0',
      arity: 1,
      flags: Flag.Loading | Flag.Stale | Flag.Fast,
      acl: ['admin', 'dangerous'],
      tips: ['NONDETERMINISTIC_OUTPUT'],
      summary: 'Tells when the last snapshot was written, as Unix seconds.',
      run: lastSaveCommand,
    },
    {
      name: 'BGREWRITEAOF',
      since: '1.0.0',
      arity: 1,
      flags: Flag.NoAsyncLoading | Flag.Admin | Flag.NoScript,
      summary: 'Begins the append-only file anew with a snapshot of all data.',
      run: rewriteCommand,
    },
  ],
};

/** Redis serves nobody until the file is written. Here the others go on, and the file has the data of one moment. */
function saveCommand(call: Call): void {
  const parked = call.park();
  void call.server.askKeeper('save.now', null).then((error) =>
    parked.resume((reply) => {
      if (error === '') reply.ok();
      else reply.error(error as string);
    }),
  );
}

function backgroundSaveCommand(call: Call): void {
  const isScheduling = call.count === 2 && call.text(1).toLowerCase() === 'schedule';
  if (call.count > 1 && !isScheduling) return call.reply.error(SYNTAX_ERROR);
  // Redis: a transaction that is being carried out is over first.
  const request: BackgroundSaveRequest = { isScheduling, isDeferred: !call.mayBlock };
  const parked = call.park();
  void call.server.askKeeper('save.background', request).then((answer) =>
    parked.resume((reply) => {
      const { status, error } = answer as SaveAnswer;
      if (status !== undefined) reply.simple(status);
      else reply.error(error!);
    }),
  );
}

function rewriteCommand(call: Call): void {
  const parked = call.park();
  void call.server.askKeeper('journal.rewrite', null).then((answer) =>
    parked.resume((reply) => {
      const text = answer as string;
      if (text.startsWith('-')) reply.error(text.slice(1));
      else reply.simple(text);
    }),
  );
}

function lastSaveCommand(call: Call): void {
  call.reply.integer(new SaveBoard(call.server.control).lastSaveS);
}
