/** The server's log: consola, one line per message, to standard output or to a file that all threads append to. */
import { openSync, writeSync } from 'node:fs';
import { format } from 'node:util';
import { createConsola, type LogObject } from 'consola/core';

/** Redis' log levels in consola's numbers. */
const LEVELS: { readonly [level: string]: number } = {
  debug: 4,
  verbose: 4,
  notice: 3,
  warning: 1,
  nothing: -999,
};

const STANDARD_OUTPUT = 1;
let descriptor = STANDARD_OUTPUT;

export const log = createConsola({ reporters: [{ log: writeLine }] });

/** As Redis writes them: who, when (UTC), how bad (# warning or worse, * notice, - detail), what. */
function writeLine({ date, level, args }: LogObject): void {
  const mark = level <= 1 ? '#' : level <= 3 ? '*' : '-';
  const line = `${process.pid}:M ${date.toISOString()} ${mark} ${format(...args)}\n`;
  try {
    writeSync(descriptor, line);
  } catch {
    // A full disk or a reader that has gone: there is nowhere left to say so, and the server goes on.
    descriptor = STANDARD_OUTPUT;
  }
}

/** Sets what is logged, by Redis' `loglevel` words, and where: a file, or standard output for ''. Throws without it. */
export function setLog(level: string, path: string): void {
  log.level = LEVELS[level] ?? 3;
  if (path !== '' && descriptor === STANDARD_OUTPUT) descriptor = openSync(path, 'a');
}
