/** Ranges of sorted sets, by rank, score or text: read, counted, stored, removed. */
import { ValueType } from '../../store/record.ts';
import { sortedSetLength } from '../../store/sorted-set.ts';
import {
  RankSpan,
  Removal as _Removal,
} from '../../store/sorted-set-range.ts';
