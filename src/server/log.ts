/** The server's log: consola, in lines that a journal or a container's log collector takes as they are. */
import { createConsola } from 'consola/basic';

export const log = createConsola({ formatOptions: { date: true, colors: false } });

/** Redis' log levels in consola's numbers. */
const LEVELS: { readonly [level: string]: number } = {
  debug: 4,
  verbose: 4,
  notice: 3,
  warning: 1,
  nothing: -999,
};

/** Sets what is logged, by Redis' `loglevel` words. */
export function setLogLevel(level: string): void {
  log.level = LEVELS[level] ?? 3;
}
