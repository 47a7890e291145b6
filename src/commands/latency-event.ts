/** What LATENCY tells of an event, and how what several workers have seen of it is put together. */

/** A second in which an event took long, and how long at worst. */
export interface LatencySample {
  readonly timeS: number;
  readonly latencyMs: number;
}

/** What is known of one event. Samples in their order, one a second at most. */
export interface LatencyEvent {
  readonly name: string;
  readonly samples: readonly LatencySample[];
  readonly worstMs: number;
}

/** How long a command took: `calls` is how many times it ran, each bucket how many of them took at most so long. */
export interface CommandTimes {
  readonly calls: number;
  readonly buckets: readonly { readonly limitUs: number; readonly calls: number }[];
}

/** As many as Redis keeps. */
export const LATENCY_SAMPLES_MAX = 160;

/** The events of all workers as one list, by name. */
export function mergeEvents(lists: readonly (readonly LatencyEvent[])[]): LatencyEvent[] {
  const names = [...new Set(lists.flat().map(({ name }) => name))].sort();
  return names.map((name) => mergeEvent(lists.flat().filter((event) => event.name === name)));
}

function mergeEvent(events: readonly LatencyEvent[]): LatencyEvent {
  const bySecond = new Map<number, number>();
  for (const { timeS, latencyMs } of events.flatMap(({ samples }) => samples)) {
    bySecond.set(timeS, Math.max(bySecond.get(timeS) ?? 0, latencyMs));
  }
  const samples = [...bySecond]
    .map(([timeS, latencyMs]) => ({ timeS, latencyMs }))
    .sort((a, b) => a.timeS - b.timeS)
    .slice(-LATENCY_SAMPLES_MAX);
  return { name: events[0]!.name, samples, worstMs: Math.max(...events.map(({ worstMs }) => worstMs)) };
}
