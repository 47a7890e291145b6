/** What INFO persistence says of snapshots and of loading: the board that the keeper writes. */
import { Control } from '../../memory/control.ts';
import { Save, SaveSum } from '../../memory/save-board.ts';
import type { Engine } from '../engine.ts';
import type { Fields } from './fields.ts';

/** Loading, and while it lasts how far it has come. */
export function loadingFields({ control, board }: Engine): Fields {
  const isLoading = Atomics.load(control.words, Control.Loading) !== 0;
  const fields: Fields = [
    ['loading', isLoading ? 1 : 0],
    ['async_loading', 0],
  ];
  if (!isLoading) return fields;
  const total = board.sum(SaveSum.LoadTotalBytes);
  const loaded = board.sum(SaveSum.LoadedBytes);
  const seconds = Math.max(Date.now() / 1000 - board.get(Save.LoadStartedS), 0);
  return [
    ...fields,
    ['loading_start_time', board.get(Save.LoadStartedS)],
    ['loading_total_bytes', total],
    ['loading_rdb_used_mem', 0],
    ['loading_loaded_bytes', loaded],
    ['loading_loaded_perc', ((loaded / Math.max(total, 1)) * 100).toFixed(2)],
    ['loading_eta_seconds', Math.round(loaded === 0 ? 1 : (seconds * (total - loaded)) / loaded)],
  ];
}

/** Snapshots. There is no fork, and no memory that is copied on writes. */
export function snapshotFields({ keyspace, board }: Engine): Fields {
  let mutations = 0;
  for (const shard of keyspace.shards) mutations += shard.mutations;
  const isSaving = board.get(Save.IsSaving) !== 0;
  const nowS = Math.floor(Date.now() / 1000);
  return [
    ['current_cow_peak', 0],
    ['current_cow_size', 0],
    ['current_cow_size_age', 0],
    ['current_fork_perc', '0.00'],
    ['current_save_keys_processed', isSaving ? board.sum(SaveSum.KeysDone) : 0],
    ['current_save_keys_total', isSaving ? board.sum(SaveSum.KeysTotal) : 0],
    ['rdb_changes_since_last_save', Math.max(mutations - board.sum(SaveSum.SavedMutations), 0)],
    ['rdb_bgsave_in_progress', isSaving ? 1 : 0],
    ['rdb_last_save_time', board.lastSaveS],
    ['rdb_last_bgsave_status', board.get(Save.HasFailed) === 0 ? 'ok' : 'err'],
    ['rdb_last_bgsave_time_sec', board.lastSeconds],
    ['rdb_current_bgsave_time_sec', isSaving ? Math.max(nowS - board.get(Save.StartedS), 0) : -1],
    ['rdb_saves', board.get(Save.SaveCount)],
    ['rdb_last_cow_size', 0],
    ['rdb_last_load_keys_expired', board.get(Save.ExpiredKeys)],
    ['rdb_last_load_keys_loaded', board.get(Save.LoadedKeys)],
  ];
}
