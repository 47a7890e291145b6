/**
 * The clients of one worker taken together: what CLIENT LIST, KILL and PAUSE ask of every worker, and the closing of
 * clients that have been idle, or over their soft output limit, for too long.
 */
import type { ClientCondition, ClientField, ClientFilter } from '../../commands/connection/client-filter.ts';
import { flagLetters } from './client-line.ts';
import type {
  ClientListing,
  KillOutcome,
  PauseRequest,
  UnblockRequest,
} from '../../commands/connection/client.ts';
import { Gate } from '../../commands/row.ts';
import type { Connection } from './connection.ts';
import type { Engine } from '../engine.ts';

/** Timers with a longer delay fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Answers what the CLIENT commands ask every worker. */
export function serveClientTopics(engine: Engine): void {
  engine.mesh.on('clients.list', (filter) => listClients(engine, filter as ClientFilter));
  engine.mesh.on('clients.kill', (filter) => killClients(engine, filter as ClientFilter));
  engine.mesh.on('clients.unblock', (request) => {
    const { id, withError } = request as UnblockRequest;
    return engine.blockedClients.unblock(id, withError);
  });
  engine.mesh.on('clients.pause', (request) => {
    const { untilMs, all } = request as PauseRequest;
    // The asker's own worker gets here from within a command, and none may be run inside another.
    if (untilMs === 0) queueMicrotask(() => engine.clientPause.end());
    else engine.clientPause.extend(untilMs, all);
  });
}

function listClients(engine: Engine, filter: ClientFilter): ClientListing[] {
  return [...selectClients(engine, filter)]
    .filter((client) => !(filter.skipAsker && client.id === filter.askerId))
    .map((client) => ({ id: client.id, line: client.describe() }));
}

/** Closes the clients that match. The asker is only counted: it closes itself, behind its reply. */
function killClients(engine: Engine, filter: ClientFilter): KillOutcome {
  let killedCount = 0;
  let isAskerKilled = false;
  for (const client of selectClients(engine, filter)) {
    if (client.id === filter.askerId) {
      if (filter.skipAsker) continue;
      isAskerKilled = true;
    } else client.close();
    killedCount++;
  }
  return { killedCount, isAskerKilled };
}

function* selectClients(engine: Engine, filter: ClientFilter): Generator<Connection> {
  const nowMs = Date.now();
  for (const client of engine.clients.values()) {
    if (filter.conditions.every((condition) => fits(client, condition, nowMs))) yield client;
  }
}

function fits(client: Connection, { field, wanted, isNegated }: ClientCondition, nowMs: number): boolean {
  return isOneOf(client, field, wanted, nowMs) !== isNegated;
}

function isOneOf(client: Connection, field: ClientField, wanted: readonly string[], nowMs: number): boolean {
  switch (field) {
    case 'age':
      return nowMs - client.createdAtMs >= Number(wanted[0]) * 1000;
    case 'idle':
      return nowMs - client.lastActiveMs >= Number(wanted[0]) * 1000;
    case 'flags': {
      const letters = flagLetters(client);
      return [...wanted[0]!].every((letter) => letters.includes(letter));
    }
    case 'ip':
      return wanted.includes(client.address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1'));
    default:
      return wanted.includes(String(client[field]));
  }
}

/** Closes clients that were idle for longer than `timeout`, or too long over their soft output limit. */
export function closeOverdueClients(engine: Engine): void {
  const idleMsMax = engine.config.number('timeout') * 1000;
  const nowMs = Date.now();
  for (const client of engine.clients.values()) {
    if (client.outputBytes > 0) client.checkOutputLimits(nowMs);
    // Redis: a client that waits for the server, or is told things by it, is not idle.
    // Also one that does not take its output: it would keep that for ever.
    const isTold = (client.gates & (Gate.Subscribed | Gate.Monitor)) !== 0;
    if (idleMsMax > 0 && !client.waiting && !isTold && nowMs - client.lastActiveMs > idleMsMax)
      client.close();
  }
}

/** CLIENT PAUSE in this worker: until when, and who waits for it. */
export class ClientPause {
  /** What the dispatcher looks at. */
  private readonly state: { untilMs: number; all: boolean };
  private readonly held = new Set<Connection>();
  private timer: Timer | undefined;
  /** What clients have asked for. */
  private untilMs = 0;
  private all = false;
  /** How often `stop` was called without `resume`: a reload may end while the server's last snapshot is taken. */
  private stopCount = 0;

  constructor(state: { untilMs: number; all: boolean }) {
    this.state = state;
  }

  /** Pauses until `untilMs`, for all commands or for those that write. Of two pauses the longer and the wider hold. */
  extend(untilMs: number, all: boolean): void {
    this.untilMs = Math.max(this.untilMs, untilMs);
    this.all ||= all;
    this.apply();
    this.wake();
  }

  /** Lets no client's command run, whatever pauses there are, until as many calls of `resume`: the data stay as they are. */
  stop(): void {
    this.stopCount++;
    this.apply();
  }

  /** Ends what `stop` has begun. Must not be called while a command runs. */
  resume(): void {
    this.stopCount--;
    if (this.untilMs > Date.now()) this.apply();
    else this.end();
  }

  private get isStopped(): boolean {
    return this.stopCount > 0;
  }

  private apply(): void {
    this.state.untilMs = this.isStopped ? Infinity : this.untilMs;
    this.state.all = this.isStopped || this.all;
  }

  /** Keeps the input of `connection` waiting until the pause ends. */
  hold(connection: Connection): void {
    connection.hold();
    this.held.add(connection);
  }

  holds(connection: Connection): boolean {
    return this.held.has(connection);
  }

  /** The connection is gone. */
  forget(connection: Connection): void {
    this.held.delete(connection);
  }

  /** Ends the pause and lets those held back go on. Must not be called while a command runs. */
  end(): void {
    clearTimeout(this.timer);
    this.untilMs = 0;
    this.all = false;
    this.apply();
    if (this.isStopped) return;
    const held = [...this.held];
    this.held.clear();
    for (const connection of held) connection.release();
  }

  /** Ends the pause when its time has come, else sets the timer for that. */
  private wake(): void {
    clearTimeout(this.timer);
    const restMs = this.untilMs - Date.now();
    this.timer = setTimeout(
      () => (Date.now() < this.untilMs ? this.wake() : this.end()),
      Math.min(Math.max(restMs, 0) + 1, TIMER_MS_MAX),
    );
  }
}
