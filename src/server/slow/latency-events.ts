/** What LATENCY keeps of one worker: for each event its last spikes, at most one a second, and the worst of all. */
import { LATENCY_SAMPLES_MAX, type LatencyEvent, type LatencySample } from '../../commands/latency-event.ts';

export class LatencyEvents {
  /** Shorter ones are not kept; 0: none are. */
  thresholdMs = 0;
  private readonly events = new Map<string, { samples: LatencySample[]; worstMs: number }>();

  /** Keeps a spike of `event` that is not below the threshold. */
  addIfLong(event: string, latencyMs: number): void {
    if (this.thresholdMs > 0 && latencyMs >= this.thresholdMs) {
      this.add(event, Math.floor(latencyMs), Math.floor(Date.now() / 1000));
    }
  }

  private add(name: string, latencyMs: number, timeS: number): void {
    let event = this.events.get(name);
    if (event === undefined) this.events.set(name, (event = { samples: [], worstMs: 0 }));
    event.worstMs = Math.max(event.worstMs, latencyMs);
    const last = event.samples.at(-1);
    // Redis: of the spikes of one second the worst is kept.
    if (last?.timeS === timeS) {
      if (latencyMs > last.latencyMs) event.samples.splice(-1, 1, { timeS, latencyMs });
      return;
    }
    event.samples.push({ timeS, latencyMs });
    if (event.samples.length > LATENCY_SAMPLES_MAX) event.samples.shift();
  }

  list(): LatencyEvent[] {
    return [...this.events].map(([name, event]) => ({ name, ...event }));
  }

  /** Forgets the named events, or all. Returns the names of those there were. */
  reset(names: readonly string[]): string[] {
    const known = [...this.events.keys()].filter((name) => names.length === 0 || names.includes(name));
    for (const name of known) this.events.delete(name);
    return known;
  }
}
