/** Stepping over values without looking into them: how long an entry is can only be told by going through it. */
import { RdbType } from './format.ts';
import type { RdbInput } from './input.ts';
import { skipStream, streamVersionOf } from './stream-loader.ts';

/** What stands instead of a score as text: not a number, and both infinities. */
const SPECIAL_SCORE_MIN = 253;

/** Steps over a value of this type. Throws RdbError for types that cannot be loaded. */
export function skipValue(input: RdbInput, type: number): void {
  switch (type) {
    case RdbType.String:
    case RdbType.HashZipmap:
    case RdbType.ListZiplist:
    case RdbType.IntegerSet:
    case RdbType.SortedSetZiplist:
    case RdbType.HashZiplist:
    case RdbType.HashListpack:
    case RdbType.SortedSetListpack:
    case RdbType.SetListpack:
    case RdbType.HashListpackTimedPreGa:
      return input.skipText();
    case RdbType.HashListpackTimed:
      input.skip(8);
      return input.skipText();
    case RdbType.List:
    case RdbType.Set:
    case RdbType.ListQuicklist:
      return skipTexts(input, input.length());
    case RdbType.Hash:
      return skipTexts(input, input.length() * 2);
    default:
      return skipMixed(input, type);
  }
}

function skipTexts(input: RdbInput, count: number): void {
  for (let left = count; left > 0; left--) input.skipText();
}

function skipMixed(input: RdbInput, type: number): void {
  switch (type) {
    case RdbType.SortedSet:
      for (let left = input.length(); left > 0; left--) {
        input.skipText();
        input.skip(8);
      }
      return;
    case RdbType.SortedSetText:
      for (let left = input.length(); left > 0; left--) {
        input.skipText();
        const byteCount = input.byte();
        if (byteCount < SPECIAL_SCORE_MIN) input.skip(byteCount);
      }
      return;
    case RdbType.ListQuicklist2:
      for (let left = input.length(); left > 0; left--) {
        input.length();
        input.skipText();
      }
      return;
    case RdbType.HashTimed:
    case RdbType.HashTimedPreGa:
      if (type === RdbType.HashTimed) input.skip(8);
      for (let left = input.length(); left > 0; left--) {
        input.wideLength();
        skipTexts(input, 2);
      }
      return;
    default:
      if (streamVersionOf(type) === 0) failUnknown(input, type);
      skipStream(input, streamVersionOf(type));
  }
}

/** Throws what is to be said about a type that cannot be loaded. */
export function failUnknown(input: RdbInput, type: number): never {
  if (type === RdbType.Module) input.fail(`a value of the module ${moduleName(input)}, which is not here`);
  if (type === RdbType.ModulePreGa) input.fail('a value of a module, in a form that only Redis 4.0 RC had');
  return input.fail(`a value of the unknown type ${type}`);
}

const NAME_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const NAME_LENGTH = 9;

/** The name of a module: nine letters of six bits each stand in the upper bits of its number. */
export function moduleName(input: RdbInput): string {
  const low = input.wideLength();
  let rest = ((BigInt(input.wideHi) << 32n) | BigInt(low >>> 0)) >> 10n;
  let name = '';
  for (let i = 0; i < NAME_LENGTH; i++) {
    name = NAME_LETTERS[Number(rest & 63n)]! + name;
    rest >>= 6n;
  }
  return name;
}

/** What the values of a module are made of. */
const enum ModuleOpcode {
  End = 0,
  Signed = 1,
  Unsigned = 2,
  Float = 3,
  Double = 4,
  Text = 5,
}

/** Steps over what a module has written, up to its end. */
export function skipModuleData(input: RdbInput): void {
  for (;;) {
    switch (input.length()) {
      case ModuleOpcode.End:
        return;
      case ModuleOpcode.Signed:
      case ModuleOpcode.Unsigned:
        input.wideLength();
        break;
      case ModuleOpcode.Float:
        input.skip(4);
        break;
      case ModuleOpcode.Double:
        input.skip(8);
        break;
      case ModuleOpcode.Text:
        input.skipText();
        break;
      default:
        input.fail('data of a module in an unknown form');
    }
  }
}
