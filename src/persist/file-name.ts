/** Names of snapshot files: those that tell the time are made anew for each, and looked for when the server starts. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What a macro becomes, and what a name made of it looks like. */
const MACROS: Readonly<Record<string, { make: (date: Date) => string; pattern: string }>> = {
  timestamp: {
    make: (date) => date.toISOString().slice(0, 19),
    pattern: String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d`,
  },
  Y: { make: (date) => date.toISOString().slice(0, 4), pattern: String.raw`\d{4}` },
  m: { make: (date) => date.toISOString().slice(5, 7), pattern: String.raw`\d\d` },
  d: { make: (date) => date.toISOString().slice(8, 10), pattern: String.raw`\d\d` },
  H: { make: (date) => date.toISOString().slice(11, 13), pattern: String.raw`\d\d` },
  M: { make: (date) => date.toISOString().slice(14, 16), pattern: String.raw`\d\d` },
  S: { make: (date) => date.toISOString().slice(17, 19), pattern: String.raw`\d\d` },
};
const MACRO = /\{(timestamp|[YmdHMS])\}/g;

/** The name of a snapshot made at `date`: the macros of `pattern` ({timestamp}, {Y}, {m}, {d}, {H}, {M}, {S}) in UTC. */
export function snapshotName(pattern: string, date: Date): string {
  return pattern.replace(MACRO, (_whole, name: string) => MACROS[name]!.make(date));
}

/** The newest file in `folder` whose name `pattern` could have made, with its path, or null. */
export function newestSnapshot(folder: string, pattern: string): string | null {
  if (pattern === '') return null;
  if (snapshotName(pattern, new Date(0)) === pattern) {
    const path = join(folder, pattern);
    return statSync(path, { throwIfNoEntry: false }) === undefined ? null : path;
  }
  const parts = pattern.split(MACRO);
  // Every second part is the name of a macro.
  const source = parts
    .map((part, index) => (index % 2 === 1 ? MACROS[part]!.pattern : escape(part)))
    .join('');
  const made = new RegExp(`^${source}$`);
  const paths = readdirSync(folder)
    .filter((name) => made.test(name))
    .map((name) => join(folder, name));
  const times = paths.map((path) => statSync(path).mtimeMs);
  const newest = times.indexOf(Math.max(...times));
  return paths[newest] ?? null;
}

function escape(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}
