/** Hashes. */
import type { Family } from '../row.ts';

export const hashFamily: Family = { group: 'hash', rows: [] };
