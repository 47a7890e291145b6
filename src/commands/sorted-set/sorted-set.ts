/** Sorted sets. */
import type { Family } from '../row.ts';

export const sortedSetFamily: Family = { group: 'sorted-set', rows: [] };
