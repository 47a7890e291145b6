/** The name that someone who mistyped probably meant. */

/** The candidate nearest to `name` in edits, or null if none is near enough to be a slip of the fingers. */
export function closestName(name: string, candidates: Iterable<string>): string | null {
  let closest: string | null = null;
  let fewest = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    // The difference in length is a lower bound, and keeps a very long name from costing anything.
    if (Math.abs(candidate.length - name.length) >= fewest) continue;
    const edits = editDistance(name, candidate);
    if (edits >= fewest) continue;
    fewest = edits;
    closest = candidate;
  }
  return closest;
}

/** Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`. O(a × b). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min(replaced, last[j]! + 1, row[j - 1]! + 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) best = Math.min(best, beforeLast[j - 2]! + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}
