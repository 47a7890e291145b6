/** The JSON lines every benchmark prints: one header, then a line for each case. scripts/bench-diff.ts reads them. */

import type { Machine } from './machine.ts';

/** Flat figures by name; the unit ends the name. */
export type Metrics = Readonly<Record<string, number>>;

/** Median over rounds of (ours / peer) within a round, and the lowest and highest round. */
export interface Ratio {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

/** A limit on the ratio to the peer, or on our own figure. */
export interface Goal {
  readonly metric: string;
  readonly on: 'ratio' | 'ours';
  readonly atMost?: number;
  readonly atLeast?: number;
}

export interface Header {
  readonly kind: 'run';
  readonly at: string;
  readonly machine: Machine;
  readonly argv: readonly string[];
}

export interface Result {
  readonly kind: 'result';
  readonly scenario: string;
  readonly case: string;
  /** Medians over rounds. */
  readonly ours: Metrics;
  readonly peerName?: string;
  readonly peer?: Metrics;
  readonly ratio?: Readonly<Record<string, Ratio>>;
  readonly goals?: readonly Goal[];
  /** Whatever explains the figures but is not one, such as when the slowest replies happened. */
  readonly details?: unknown;
}

export interface Skipped {
  readonly kind: 'skipped';
  readonly scenario: string;
  readonly reason: string;
}

export type Line = Header | Result | Skipped;

export function printLine(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** The value a goal is about, or null when the result lacks it. */
export function goalValue(result: Result, goal: Goal): number | null {
  const value = goal.on === 'ours' ? result.ours[goal.metric] : result.ratio?.[goal.metric]?.median;
  return value ?? null;
}

export function isGoalMet(goal: Goal, value: number): boolean {
  return value <= (goal.atMost ?? Infinity) && value >= (goal.atLeast ?? -Infinity);
}

export function describeGoal(goal: Goal): string {
  const limit = goal.atMost !== undefined ? `<= ${goal.atMost}` : `>= ${goal.atLeast}`;
  return goal.on === 'ratio' ? `${limit} x` : limit;
}

/** Three significant digits or whole numbers: enough to compare, short enough to align. */
export function formatFigure(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return Math.round(value).toString();
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
