/** What a worker does for the keeper, and tells it. */
import { Cancel, Save } from '../../memory/save-board.ts';
import { isWalking } from '../../store/snapshot-walk.ts';
import type { Engine } from '../engine.ts';

/** Answers what the keeper asks every worker. */
export function serveKeeper(engine: Engine): void {
  const { mesh, keyspace, board } = engine;
  mesh.on('snapshot.finish', () => engine.preserved.finish());
  mesh.on('state.renew', () => engine.state.renew());
  mesh.on('functions.codes', () => engine.scripts.libraries.allCodes());
  const { onFlush } = keyspace;
  keyspace.onFlush = (isBeginning, database) => {
    onFlush(isBeginning, database);
    // What is left is no moment of the data any more. A walk that is over has seen all there was.
    if (isBeginning && keyspace.shards.some(isWalking)) board.set(Save.Cancelled, Cancel.Flushed);
    if (!isBeginning && database < 0) engine.tellKeeper('save.flushed', '');
  };
}
