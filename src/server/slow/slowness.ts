/** What a worker keeps about what took long: its part of SLOWLOG and LATENCY, and the answers to what these ask. */
import type { Engine } from '../engine.ts';
import { CommandWatch } from './command-watch.ts';
import { LatencyEvents } from './latency-events.ts';
import { SlowLog } from './slow-log.ts';

export class Slowness {
  readonly latency = new LatencyEvents();
  private readonly engine: Engine;
  private readonly slowLog: SlowLog;
  private readonly watch: CommandWatch;

  constructor(engine: Engine) {
    this.engine = engine;
    this.slowLog = new SlowLog(engine.control);
    this.watch = new CommandWatch(this.slowLog, this.latency);
    engine.dispatcher.watch = this.watch;
    const { mesh } = engine;
    mesh.on('slowlog.get', (count) => this.slowLog.newest(count as number));
    mesh.on('slowlog.length', () => this.slowLog.length);
    mesh.on('slowlog.reset', () => this.slowLog.reset());
    mesh.on('latency.list', () => this.latency.list());
    mesh.on('latency.reset', (names) => this.latency.reset(names as readonly string[]));
  }

  /** Takes the thresholds of the configuration over. */
  configure(): void {
    const { config, dispatcher } = this.engine;
    // The command that sets a threshold began before there was anything to watch.
    this.watch.begin();
    dispatcher.watching = this.watch.configure(
      config.number('slowlog-log-slower-than'),
      config.number('slowlog-max-len'),
      config.number('latency-monitor-threshold'),
    );
  }
}
