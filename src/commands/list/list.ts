/** Lists. */
import type { Family } from '../row.ts';
import { blockingRows } from './blocking.ts';
import { editRows } from './edit.ts';
import { moveRows } from './move.ts';
import { popRows } from './pop.ts';
import { pushRows } from './push.ts';
import { readRows } from './read.ts';

export const listFamily: Family = {
  group: 'list',
  rows: [...pushRows, ...popRows, ...readRows, ...editRows, ...moveRows, ...blockingRows],
};
