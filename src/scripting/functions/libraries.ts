import type { Bytes } from '../../base/bytes.ts';
import type { ScriptMachine, Watch } from '../machine.ts';
export class FunctionLibraries {
  constructor(_b: Bytes, _w: Watch) {}
  refOf(_m: ScriptMachine, _n: string): number {
    return 0;
  }
}
