/** LATENCY GRAPH and DOCTOR: spikes drawn, and put in words. */
import type { LatencyEvent } from '../latency-event.ts';

const ROWS = 4;

/** The spikes as bars, each over its age written downwards. */
export function drawLatency({ name, samples, worstMs }: LatencyEvent, nowS: number): string {
  const values = samples.map(({ latencyMs }) => latencyMs);
  const high = Math.max(...values);
  const low = Math.min(...values);
  const heights = values.map((value) => (high === low ? 1 : 1 + ((value - low) / (high - low)) * (ROWS - 1)));
  const lines: string[] = [];
  for (let row = ROWS; row >= 1; row--) {
    lines.push(heights.map((height) => barAt(height, row)).join(''));
  }
  const ages = samples.map(({ timeS }) => describeAge(Math.max(nowS - timeS, 0)));
  for (let row = 0; row < Math.max(...ages.map((age) => age.length)); row++) {
    lines.push(ages.map((age) => age[row] ?? ' ').join(''));
  }
  const head = `${name} - high ${high} ms, low ${low} ms (all time high ${worstMs} ms)`;
  return `${[head, '-'.repeat(80), ...lines.map((line) => line.trimEnd())].filter(Boolean).join('\n')}\n`;
}

function barAt(height: number, row: number): string {
  if (height >= row + 0.5 || (height >= row && row === ROWS)) return row === Math.ceil(height) ? '#' : '|';
  return height > row - 0.5 ? '_' : ' ';
}

function describeAge(ageS: number): string {
  if (ageS < 60) return `${ageS}s`;
  if (ageS < 3600) return `${Math.floor(ageS / 60)}m`;
  return ageS < 86400 ? `${Math.floor(ageS / 3600)}h` : `${Math.floor(ageS / 86400)}d`;
}

/** What the spikes are and what can be done about them. */
export function adviseOnLatency(events: readonly LatencyEvent[], thresholdMs: number): string {
  if (thresholdMs === 0 && events.length === 0) {
    return (
      'Latency is not being watched. CONFIG SET latency-monitor-threshold <milliseconds> makes the server remember ' +
      'what takes at least that long.\n'
    );
  }
  if (events.length === 0)
    return `Nothing has taken ${thresholdMs} ms or longer since this was last reset.\n`;
  const lines = events.map(describeEvent);
  const names = events.map(({ name }) => name);
  if (names.some((name) => name.endsWith('command'))) {
    lines.push(
      '',
      'SLOWLOG GET tells which commands took long; KEYS, SORT and ranges of large values are usual ones.',
    );
  }
  if (names.includes('expire-cycle')) {
    lines.push('', 'Many keys expire at the same time: spread their times to live.');
  }
  return `${lines.join('\n')}\n`;
}

function describeEvent({ name, samples, worstMs }: LatencyEvent, index: number): string {
  const values = samples.map(({ latencyMs }) => latencyMs);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const spanS = samples.at(-1)!.timeS - samples[0]!.timeS;
  const period = samples.length > 1 ? `, one every ${(spanS / (samples.length - 1)).toFixed(1)} s` : '';
  return `${index + 1}. ${name}: ${samples.length} spikes (mean ${mean.toFixed(0)} ms${period}), the worst ${worstMs} ms.`;
}
