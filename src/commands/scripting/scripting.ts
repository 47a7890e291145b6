/** Scripts and functions: every row of the family. */
import type { Family } from '../row.ts';
import { evalRows } from './eval.ts';
import { functionRows } from './function.ts';
import { scriptRow } from './script.ts';

export const scriptingFamily: Family = {
  group: 'scripting',
  rows: [...evalRows, scriptRow, ...functionRows],
};
