/** DEBUG RELOAD: writes all data to the snapshot file and loads them again. */
import type { Call } from '../row.ts';

/** What it is to do. */
export interface ReloadRequest {
  readonly isSaving: boolean;
  readonly isFlushing: boolean;
  /** A key that is there is replaced by that in the file. */
  readonly isMerging: boolean;
}

const OPTIONS: ReadonlySet<string> = new Set(['merge', 'noflush', 'nosave']);

export function debugReload(call: Call): void {
  const options = new Set<string>();
  for (let index = 2; index < call.count; index++) options.add(call.text(index).toLowerCase());
  if ([...options].some((option) => !OPTIONS.has(option))) {
    return call.reply.error('ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.');
  }
  const request: ReloadRequest = {
    isSaving: !options.has('nosave'),
    isFlushing: !options.has('noflush'),
    isMerging: options.has('merge'),
  };
  const parked = call.park();
  void call.server.askKeeper('save.reload', request).then((error) =>
    parked.resume((reply) => {
      if (error === '') reply.ok();
      else reply.error(error as string);
    }),
  );
}
