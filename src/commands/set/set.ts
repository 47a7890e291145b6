/** Sets. */
import type { Family } from '../row.ts';

export const setFamily: Family = { group: 'set', rows: [] };
