/** Measures two servers in turn and keeps medians. Turns matter: a machine drifts by more within a minute than the
 *  differences we look for, so every round measures both, and ratios are taken within a round. */

import type { Metrics, Ratio } from '../result.ts';

export interface Comparison {
  readonly ours: Metrics;
  readonly peer: Metrics;
  readonly ratio: Readonly<Record<string, Ratio>>;
}

/** Figures of several phases, by their names. */
export type Phases = Readonly<Record<string, Metrics>>;

export interface Contest<Figures> {
  readonly ours: () => Promise<Figures>;
  readonly peer: () => Promise<Figures>;
  readonly rounds: number;
  /** Rounds measured first and thrown away, while code is compiled and caches fill. */
  readonly warmUpRounds: number;
}

/** Runs ours, peer, then peer, ours, and so on: neither always follows the other. */
export async function compareInTurn(contest: Contest<Metrics>): Promise<Comparison> {
  const { only } = await comparePhasesInTurn({
    ours: async () => ({ only: await contest.ours() }),
    peer: async () => ({ only: await contest.peer() }),
    rounds: contest.rounds,
    warmUpRounds: contest.warmUpRounds,
  });
  return only!;
}

/** `compareInTurn` for something with several phases, each with figures of its own. */
export async function comparePhasesInTurn(
  contest: Contest<Phases>,
): Promise<Readonly<Record<string, Comparison>>> {
  const ours: Phases[] = [];
  const peer: Phases[] = [];
  for (let round = 0; round < contest.rounds + contest.warmUpRounds; round++) {
    const turns = [async () => ours.push(await contest.ours()), async () => peer.push(await contest.peer())];
    for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn();
  }
  const measured = (rounds: readonly Phases[], phase: string): Metrics[] =>
    rounds.slice(contest.warmUpRounds).map((each) => each[phase] ?? {});
  return Object.fromEntries(
    Object.keys(ours[0] ?? {}).map((name) => [name, summarise(measured(ours, name), measured(peer, name))]),
  );
}

/** Both lists hold one entry a round, in the same order. */
export function summarise(ours: readonly Metrics[], peer: readonly Metrics[]): Comparison {
  const ratio: Record<string, Ratio> = {};
  for (const metric of Object.keys(ours[0] ?? {})) {
    const ratios: number[] = [];
    for (let round = 0; round < ours.length; round++) {
      const quotient = (ours[round]?.[metric] ?? NaN) / (peer[round]?.[metric] ?? NaN);
      if (Number.isFinite(quotient)) ratios.push(quotient);
    }
    if (ratios.length === 0) continue;
    ratio[metric] = { median: median(ratios), low: Math.min(...ratios), high: Math.max(...ratios) };
  }
  return { ours: medians(ours), peer: medians(peer), ratio };
}

function medians(rounds: readonly Metrics[]): Metrics {
  const result: Record<string, number> = {};
  for (const metric of Object.keys(rounds[0] ?? {})) {
    result[metric] = median(rounds.map((round) => round[metric] ?? NaN));
  }
  return result;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? NaN;
  return ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
