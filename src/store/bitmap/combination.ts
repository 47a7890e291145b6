/**
 * Several strings combined bit by bit. They begin at whatever byte, so they are copied piece by piece to where words can
 * be made of them: that is one more pass in the first-level cache, and the words need no shifting.
 */
import { Bytes, copyBytes } from '../../base/bytes.ts';
import type { Shard } from '../../memory/shard.ts';

export const enum Combination {
  And,
  Or,
  Xor,
  /** Of one string: the bits it does not have. */
  Not,
  /** Those of the first string that are in no other. */
  Difference,
  /** Those that are in another string but not in the first. */
  OnlyOthers,
  /** Those of the first string that are in another. */
  AndAny,
  /** Those that are in exactly one string. */
  ExactlyOne,
}

/** A string where it lies; an absent one has no bytes. */
export interface BitSource {
  readonly shard: Shard;
  readonly at: number;
  readonly byteCount: number;
}

/** Three of these are in the first-level cache together. */
const PIECE_BYTES = 8192;

const scratchResult = Bytes.allocate(PIECE_BYTES);
const scratchOther = Bytes.allocate(PIECE_BYTES);
const scratchFirst = Bytes.allocate(PIECE_BYTES);
const resultWords = wordsOf(scratchResult);
const otherWords = wordsOf(scratchOther);
const firstWords = wordsOf(scratchFirst);

function wordsOf({ u8 }: Bytes): Int32Array {
  return new Int32Array(u8.buffer, u8.byteOffset, PIECE_BYTES / 4);
}

/** Writes `byteCount` bytes of the combination to `at` in `target`; sources that end sooner go on with zeros. */
export function combineBits(
  kind: Combination,
  sources: readonly BitSource[],
  target: Shard,
  at: number,
  byteCount: number,
): void {
  for (let from = 0; from < byteCount; from += PIECE_BYTES) {
    const pieceBytes = Math.min(PIECE_BYTES, byteCount - from);
    combinePiece(kind, sources, from, pieceBytes);
    copyBytes(scratchResult, 0, target.bytes, at + from, pieceBytes);
  }
}

/** Leaves a piece of the combination in `scratchResult`. */
function combinePiece(
  kind: Combination,
  sources: readonly BitSource[],
  from: number,
  pieceBytes: number,
): void {
  const wordCount = (pieceBytes + 3) >> 2;
  const isAboutFirst =
    kind === Combination.Difference || kind === Combination.OnlyOthers || kind === Combination.AndAny;
  takePiece(sources[0]!, from, pieceBytes, isAboutFirst ? scratchFirst : scratchResult);
  if (isAboutFirst) takePiece(sources[1]!, from, pieceBytes, scratchResult);
  if (kind === Combination.ExactlyOne) firstWords.fill(0, 0, wordCount);
  for (let i = isAboutFirst ? 2 : 1; i < sources.length; i++) {
    takePiece(sources[i]!, from, pieceBytes, scratchOther);
    addWords(kind, wordCount);
  }
  finishWords(kind, wordCount);
}

function takePiece(source: BitSource, from: number, pieceBytes: number, into: Bytes): void {
  const taken = Math.max(Math.min(source.byteCount - from, pieceBytes), 0);
  copyBytes(source.shard.bytes, source.at + from, into, 0, taken);
  if (taken < pieceBytes) into.u8.fill(0, taken, pieceBytes);
}

/** Adds the next source to the result; `firstWords` gathers what more than one source has for ExactlyOne. */
function addWords(kind: Combination, wordCount: number): void {
  const result = resultWords;
  const other = otherWords;
  if (kind === Combination.And) {
    for (let i = 0; i < wordCount; i++) result[i] = result[i]! & other[i]!;
  } else if (kind === Combination.Xor) {
    for (let i = 0; i < wordCount; i++) result[i] = result[i]! ^ other[i]!;
  } else if (kind === Combination.ExactlyOne) {
    const repeated = firstWords;
    for (let i = 0; i < wordCount; i++) {
      repeated[i] = repeated[i]! | (result[i]! & other[i]!);
      result[i] = result[i]! | other[i]!;
    }
  } else {
    for (let i = 0; i < wordCount; i++) result[i] = result[i]! | other[i]!;
  }
}

function finishWords(kind: Combination, wordCount: number): void {
  const result = resultWords;
  const first = firstWords;
  if (kind === Combination.Not) {
    for (let i = 0; i < wordCount; i++) result[i] = ~result[i]!;
  } else if (kind === Combination.Difference) {
    for (let i = 0; i < wordCount; i++) result[i] = first[i]! & ~result[i]!;
  } else if (kind === Combination.OnlyOthers) {
    for (let i = 0; i < wordCount; i++) result[i] = ~first[i]! & result[i]!;
  } else if (kind === Combination.AndAny) {
    for (let i = 0; i < wordCount; i++) result[i] = first[i]! & result[i]!;
  } else if (kind === Combination.ExactlyOne) {
    for (let i = 0; i < wordCount; i++) result[i] = result[i]! & ~first[i]!;
  }
}
