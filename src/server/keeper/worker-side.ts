/** What a worker does for the keeper, and tells it. */
import { Cancel, Save } from '../../memory/save-board.ts';
import { Bytes } from '../../base/bytes.ts';
import { EntryLoader } from '../../persist/rdb/entry-loader.ts';
import { isWalking } from '../../store/snapshot-walk.ts';
import type { Engine } from '../engine.ts';
import type { LoadOutcome, LoadPart } from './loading.ts';

/** Loads a part of a snapshot. Throws with what is wrong with it. */
function loadPart(engine: Engine, part: LoadPart): LoadOutcome {
  const { keyspace, config } = engine;
  const { memory, byteCount, base, database, isDroppingExpired, isMerging } = part;
  keyspace.setTime(Date.now());
  const databaseCount = config.number('databases');
  const loader = new EntryLoader(keyspace, { databaseCount, isDroppingExpired, isMerging });
  loader.load(new Bytes(memory), 0, byteCount, base, database);
  const { keyCount, expiredCount, emptyCount } = loader;
  return { keyCount, expiredCount, emptyCount };
}

/** Answers what the keeper asks every worker. */
export function serveKeeper(engine: Engine): void {
  const { mesh, keyspace, board } = engine;
  mesh.on('snapshot.finish', () => engine.preserved.finish());
  mesh.on('state.renew', () => engine.state.renew());
  mesh.on('clients.stop', () => engine.clientPause.stop());
  mesh.on('clients.resume', () => engine.clientPause.resume());
  mesh.on('load.part', (part) => loadPart(engine, part as LoadPart));
  mesh.on('functions.restore', (codes) =>
    engine.scripts.libraries.restore(
      (codes as Uint8Array[]).map((code) => Buffer.from(code)),
      'replace',
    ),
  );
  mesh.on('functions.codes', () => engine.scripts.libraries.allCodes());
  const { onFlush } = keyspace;
  keyspace.onFlush = (isBeginning, database) => {
    onFlush(isBeginning, database);
    // What is left is no moment of the data any more. A walk that is over has seen all there was.
    if (isBeginning && keyspace.shards.some(isWalking)) board.set(Save.Cancelled, Cancel.Flushed);
    if (!isBeginning && database < 0) engine.tellKeeper('save.flushed', '');
  };
}
