/** math.random and math.randomseed as Redis has them: POSIX' 48-bit generator, one for all scripts of a machine. */
import type { Lua } from '../lua.ts';

const MULTIPLIER = 0x5deece66dn;
const MASK = (1n << 48n) - 1n;
const LRAND_MAX = 2 ** 31 - 1;

export class ScriptRandom {
  private seedBits = 0x1234abcd330en;

  seed(value: number): void {
    this.seedBits = (BigInt(value >>> 0) << 16n) | 0x330en;
  }

  next(): number {
    this.seedBits = (this.seedBits * MULTIPLIER + 0xbn) & MASK;
    return Number(this.seedBits >> 17n);
  }

  /** Adds `random` and `randomseed` to the table on top. */
  addTo(lua: Lua, state: number): void {
    lua.setFunction(state, 'random', (from) => {
      lua.x.lua_pushnumber(from, this.draw(lua, from));
      return 1;
    });
    lua.setFunction(state, 'randomseed', (from) => {
      this.seed(Math.trunc(lua.checkNumber(from, 1, 'randomseed')));
      return 0;
    });
  }

  private draw(lua: Lua, state: number): number {
    const count = lua.x.lua_gettop(state);
    const fraction = (this.next() % LRAND_MAX) / LRAND_MAX;
    if (count === 0) return fraction;
    if (count > 2) lua.fail(state, 'wrong number of arguments');
    const first = Math.trunc(lua.checkNumber(state, 1, 'random'));
    const low = count === 1 ? 1 : first;
    const high = count === 1 ? first : Math.trunc(lua.checkNumber(state, 2, 'random'));
    if (low > high) lua.failArgument(state, count, 'random', 'interval is empty');
    return Math.floor(fraction * (high - low + 1)) + low;
  }
}
