/** Lists. */
import type { Family } from '../row.ts';

export const listFamily: Family = { group: 'list', rows: [] };
