/** How a worker whose script takes long tells all who might wait for it: through the locks it holds, and by message. */
import type { BusyScript, BusyScripts } from '../scripting/busy-scripts.ts';
import type { BusyBell } from '../scripting/scripts.ts';
import type { Mesh } from './mesh.ts';
import type { ShardLocks } from './shard-locks.ts';

const BUSY = 'script.busy';
const ENDED = 'script.ended';

export class ScriptBell implements BusyBell {
  private readonly locks: ShardLocks;
  private readonly worker: number;
  private readonly tellAll: (topic: string, text: string) => void;

  constructor(locks: ShardLocks, worker: number, tellAll: (topic: string, text: string) => void) {
    this.locks = locks;
    this.worker = worker;
    this.tellAll = tellAll;
  }

  ring(script: Omit<BusyScript, 'worker'>): void {
    this.locks.setBusy(true);
    this.tellAll(BUSY, JSON.stringify({ ...script, worker: this.worker } satisfies BusyScript));
  }

  hush(): void {
    this.locks.setBusy(false);
    this.tellAll(ENDED, String(this.worker));
  }
}

/** Keeps `scripts` as other threads tell it; `onChange` is called after each change. */
export function hearBells(mesh: Mesh, scripts: BusyScripts, onChange: () => void = () => {}): void {
  mesh.onText(BUSY, (text) => {
    scripts.add(JSON.parse(text) as BusyScript);
    onChange();
  });
  mesh.onText(ENDED, (text) => {
    scripts.remove(Number(text));
    onChange();
  });
}
