/** What a worker keeps about what took long: or was large: its part of SLOWLOG, COMMANDLOG and LATENCY, and the answers to what these ask. */
import type { Engine } from '../engine.ts';
import {
  COMMAND_LOGS,
  type CommandLogKind,
  type CommandLogRequest,
} from '../../commands/server/command-log.ts';
import { Control } from '../../memory/control.ts';
import { type CommandLogs, CommandWatch } from './command-watch.ts';
import { LatencyEvents } from './latency-events.ts';
import { SlowLog } from './slow-log.ts';

export class Slowness {
  readonly latency = new LatencyEvents();
  private readonly engine: Engine;
  private readonly logs: CommandLogs;
  private readonly watch: CommandWatch;

  constructor(engine: Engine) {
    this.engine = engine;
    this.logs = {
      slow: new SlowLog(engine.control, Control.SlowLogId),
      'large-request': new SlowLog(engine.control, Control.LargeRequestLogId),
      'large-reply': new SlowLog(engine.control, Control.LargeReplyLogId),
    };
    this.watch = new CommandWatch(this.logs, this.latency);
    engine.dispatcher.watch = this.watch;
    const { mesh } = engine;
    mesh.on('commandlog.get', (request) => {
      const { kind, countMax } = request as CommandLogRequest;
      return this.logs[kind].newest(countMax);
    });
    mesh.on('commandlog.length', (kind) => this.logs[kind as CommandLogKind].length);
    mesh.on('commandlog.reset', (kind) => this.logs[kind as CommandLogKind].reset());
    mesh.on('latency.list', () => this.latency.list());
    mesh.on('latency.reset', (names) => this.latency.reset(names as readonly string[]));
  }

  /** Takes the thresholds of the configuration over. */
  configure(): void {
    const { config, dispatcher } = this.engine;
    // The command that sets a threshold began before there was anything to watch.
    this.watch.begin();
    const { slow, 'large-request': request, 'large-reply': reply } = this.logs;
    slow.configure(config.number('slowlog-log-slower-than'), config.number(COMMAND_LOGS.slow));
    request.configure(
      config.number('commandlog-request-larger-than'),
      config.number(COMMAND_LOGS['large-request']),
    );
    reply.configure(
      config.number('commandlog-reply-larger-than'),
      config.number(COMMAND_LOGS['large-reply']),
    );
    dispatcher.watching = this.watch.configure(config.number('latency-monitor-threshold'));
  }
}
