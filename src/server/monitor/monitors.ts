/**
 * MONITOR, one worker's part: who is shown commands here, and which workers have such clients, to which the commands run
 * here are sent as lines. While there are none anywhere, a command costs one test of `Dispatcher.observers`.
 */
import { WallClock } from '../../base/wall-clock.ts';
import type { Monitoring } from '../../commands/server/monitor.ts';
import { type Client, Flag, Gate } from '../../commands/row.ts';
import type { Command } from '../../commands/registry.ts';
import type { Deliveries } from '../clients/deliveries.ts';
import { Observer } from '../observer.ts';
import { formatMonitorLine, type ShownRequest } from './monitor-line.ts';

/** What a monitor needs of the server around it. */
export interface MonitorSetup {
  readonly workerIndex: number;
  readonly deliveries: Deliveries;
  /** Has every worker, this one too, show its commands to this one, or not any more. */
  readonly askWorkers: (isWatching: boolean) => Promise<unknown>;
  /** Sends lines to another worker. */
  readonly send: (worker: number, lines: string) => void;
  /** What the dispatcher looks at. */
  readonly state: { observers: number };
}

/** An address as a monitor shows it; the commands of scripts have none. */
export interface ShownClient extends Client {
  readonly address: string;
}

/** Lines are sent at once when they are longer, also while a command runs. */
const LETTER_BYTES_MAX = 2 ** 20;

export class Monitors implements Monitoring {
  private readonly setup: MonitorSetup;
  private readonly clients = new Set<Client>();
  /** Workers that have asked to be shown what is run here. */
  private readonly watchers = new Set<number>();
  private readonly clock = new WallClock();
  private letter = '';
  /** Clients that are about to be added. */
  private preparing = 0;

  constructor(setup: MonitorSetup) {
    this.setup = setup;
    setup.deliveries.whenFlushed(() => this.sendLetter());
  }

  async prepare(): Promise<void> {
    this.preparing++;
    await this.setup.askWorkers(true);
    this.preparing--;
    // The client may have left meanwhile.
    setImmediate(() => this.stopIfUnused());
  }

  private stopIfUnused(): void {
    if (this.clients.size === 0 && this.preparing === 0) void this.setup.askWorkers(false);
  }

  add(client: Client): void {
    client.gates |= Gate.Monitor;
    this.clients.add(client);
  }

  remove(client: Client): void {
    client.gates &= ~Gate.Monitor;
    if (this.clients.delete(client)) this.stopIfUnused();
  }

  has(client: Client): boolean {
    return this.clients.has(client);
  }

  /** A worker wants to be shown what is run here, or not any more. */
  watch(worker: number, isWatching: boolean): void {
    if (isWatching) this.watchers.add(worker);
    else this.watchers.delete(worker);
    const { state } = this.setup;
    if (this.watchers.size > 0) state.observers |= Observer.Monitor;
    else state.observers &= ~Observer.Monitor;
  }

  /** Shows a request that has passed its checks. `isScript`: it is one that a script makes. */
  show(command: Command, request: ShownRequest, client: ShownClient, isScript: boolean): void {
    if ((command.flags & Flag.Admin) !== 0) return;
    const { address } = client;
    const who = isScript ? 'lua' : address.startsWith('/') ? `unix:${address.slice(0, -2)}` : address;
    const line = formatMonitorLine(this.clock.nowUs(), client.database, who, command.name, request);
    const isWatchedHere = this.watchers.has(this.setup.workerIndex);
    if (isWatchedHere) this.receive(line);
    if (this.watchers.size === (isWatchedHere ? 1 : 0)) return;
    this.letter += line;
    this.setup.deliveries.mark();
    if (this.letter.length > LETTER_BYTES_MAX) this.sendLetter();
  }

  /** Lines for the clients here. */
  receive(lines: string): void {
    const bytes = Buffer.from(lines, 'latin1');
    // Redis: unlike messages, what a monitor is shown is silenced with the replies.
    for (const client of this.clients) {
      if (client.replyMode !== 'off' && client.replyMode !== 'skip') client.deliver(bytes);
    }
  }

  private sendLetter(): void {
    if (this.letter === '') return;
    const { letter } = this;
    this.letter = '';
    for (const worker of this.watchers)
      if (worker !== this.setup.workerIndex) this.setup.send(worker, letter);
  }
}
