/** The readable half of the report, on stderr so that stdout stays JSON lines. */

import { describeGoal, formatFigure, goalValue, isGoalMet, type Result } from '../result.ts';

/** Figures that explain others are shown only in the JSON. */
const hiddenMetrics = new Set(['loadBusy', 'serverWait', 'loadWait', 'stolen']);
const BUSY_SHARE = 0.93;
const DISTURBED_SHARE = 0.05;

export function printResult(result: Result): void {
  const lines = [`\n${result.scenario}: ${result.case}, against ${result.peerName ?? 'nothing'}`];
  lines.push(row('', 'ours', 'peer', 'ratio', 'low-high', ''));
  for (const [metric, ours] of Object.entries(result.ours)) {
    if (hiddenMetrics.has(metric)) continue;
    const ratio = result.ratio?.[metric];
    const peer = result.peer?.[metric];
    lines.push(
      row(
        metric,
        formatFigure(ours),
        peer === undefined ? '' : formatFigure(peer),
        ratio === undefined ? '' : ratio.median.toFixed(2),
        ratio === undefined ? '' : `${ratio.low.toFixed(2)}-${ratio.high.toFixed(2)}`,
        verdicts(result, metric),
      ),
    );
  }
  const remark = remarkOn(result);
  if (remark !== null) lines.push(`  ${remark}`);
  process.stderr.write(`${lines.join('\n')}\n`);
}

function row(
  metric: string,
  ours: string,
  peer: string,
  ratio: string,
  range: string,
  verdict: string,
): string {
  const figures = `${ours.padStart(10)} ${peer.padStart(10)} ${ratio.padStart(7)} ${range.padStart(12)}`;
  return `  ${metric.padEnd(20)} ${figures}  ${verdict}`.trimEnd();
}

function verdicts(result: Result, metric: string): string {
  return (result.goals ?? [])
    .filter((goal) => goal.metric === metric)
    .map((goal) => {
      const value = goalValue(result, goal);
      return `${describeGoal(goal)}: ${value !== null && isGoalMet(goal, value) ? 'met' : 'MISSED'}`;
    })
    .join(', ');
}

/** A warning about figures that do not say what they seem to. */
function remarkOn({ ours, peer }: Result): string | null {
  const wait = Math.max(...[ours, peer ?? {}].flatMap((each) => [each.serverWait ?? 0, each.loadWait ?? 0]));
  const stolen = Math.max(ours.stolen ?? 0, peer?.stolen ?? 0);
  if (wait + stolen > DISTURBED_SHARE) {
    return `Disturbed: up to ${Math.round((wait + stolen) * 100)} % of the time a core was wanted and not given.`;
  }
  const { serverBusy, loadBusy } = ours;
  if (serverBusy === undefined || loadBusy === undefined) return null;
  return serverBusy < BUSY_SHARE && loadBusy > serverBusy
    ? 'The generator, not the server, set the pace.'
    : null;
}

/** Every goal of the run in one place. */
export function printGoals(results: readonly Result[]): void {
  const lines = ['\nGoals'];
  for (const result of results) {
    for (const goal of result.goals ?? []) {
      const value = goalValue(result, goal);
      const verdict = value !== null && isGoalMet(goal, value) ? 'met' : 'MISSED';
      const name = `${result.scenario}: ${result.case}`.padEnd(48);
      const figure = (value === null ? '-' : formatFigure(value)).padStart(8);
      lines.push(
        `  ${name} ${goal.metric.padEnd(20)} ${figure}  ${describeGoal(goal).padEnd(10)} ${verdict}`,
      );
    }
  }
  if (lines.length > 1) process.stderr.write(`${lines.join('\n')}\n`);
}
