/** What INFO tells of the append-only file, from the figures that the keeper writes. */
import { JournalFigure } from '../../memory/journal-state.ts';
import type { Fields } from './fields.ts';

const status = (hasFailed: number): string => (hasFailed === 0 ? 'ok' : 'err');

export function appendOnlyFields(figures: Float64Array): Fields {
  const figure = (index: JournalFigure): number => figures[index]!;
  const isRewriting = figure(JournalFigure.IsRewriting) !== 0;
  const seconds = Math.floor(Date.now() / 1000) - figure(JournalFigure.RewriteStartedS);
  return [
    ['aof_enabled', figure(JournalFigure.IsOn)],
    ['aof_rewrite_in_progress', isRewriting ? 1 : 0],
    ['aof_rewrite_scheduled', figure(JournalFigure.IsRewriteScheduled)],
    ['aof_last_rewrite_time_sec', figure(JournalFigure.RewriteSeconds)],
    ['aof_current_rewrite_time_sec', isRewriting ? seconds : -1],
    ['aof_last_bgrewrite_status', status(figure(JournalFigure.HasRewriteFailed))],
    ['aof_rewrites', figure(JournalFigure.Rewrites)],
    ['aof_rewrites_consecutive_failures', figure(JournalFigure.FailuresInSeries)],
    ['aof_last_write_status', status(figure(JournalFigure.HasWriteFailed))],
    ['aof_last_cow_size', 0],
  ];
}

/** Redis: only while it is on. */
export function appendOnlySizes(figures: Float64Array): Fields {
  const figure = (index: JournalFigure): number => figures[index]!;
  if (figure(JournalFigure.IsOn) === 0) return [];
  return [
    ['aof_current_size', figure(JournalFigure.CurrentBytes)],
    ['aof_base_size', figure(JournalFigure.BaseBytes)],
    ['aof_pending_rewrite', 0],
    ['aof_buffer_length', figure(JournalFigure.BufferBytes)],
    ['aof_pending_bio_fsync', figure(JournalFigure.PendingSyncs)],
    ['aof_delayed_fsync', figure(JournalFigure.DelayedSyncs)],
  ];
}
