/** The types a setting's value can have: how the words after a directive become the one canonical text that
 *  CONFIG GET prints. The text is the truth (it crosses threads and compares exactly); numbers, flags and lists are
 *  read out of it by Config. Error texts are Redis's own, byte for byte: clients and operators search for them.
 *  All of this is cold: it runs at start-up and on CONFIG SET. */

import { isAbsolute, resolve } from 'node:path';
import { statSync } from 'node:fs';
import { CronPattern } from 'croner';
import { parseMemorySize } from '../../base/memory-size.ts';
import type { MachineLimits } from '../system/machine-limits.ts';

/** Which accessor of Config reads it. */
export type Kind = 'number' | 'flag' | 'text' | 'list';

export type Parsed = { readonly text: string } | { readonly error: string };

export interface ParseContext {
  /** The setting's value so far: some directives change only a part of it. */
  readonly current: string;
  /** True once a file or flag of this start-up has set it: a second `save` line adds to the first. */
  readonly isRepeated: boolean;
  readonly limits: MachineLimits;
}

export interface ValueType<K extends Kind = Kind> {
  readonly kind: K;
  /** What --help shows after the flag. */
  readonly hint: string;
  /** Takes several words; a lone word is split at its spaces, so that CONFIG SET and quotes work too. */
  readonly takesMany?: true;
  /** How Config.number reads the text, if not as decimal. */
  readonly radix?: 8;
  /** `values` has at least one word, and exactly one unless `takesMany`. */
  parse(values: readonly string[], context: ParseContext): Parsed;
}

export const INT_MIN = -(2n ** 31n);
export const INT_MAX = 2n ** 31n - 1n;
export const UINT_MAX = 2n ** 32n - 1n;
export const LONG_MAX = 2n ** 63n - 1n;
const LONG_MIN = -(2n ** 63n);

const BIND_ADDRESSES_MAX = 16;
const OOM_SCORE_MAX = 2000n;

/** A whole number within [min, max]. `clamp` narrows it silently, as Redis does with hz. */
export function integer(
  min: number | bigint,
  max: number | bigint,
  clamp: readonly [bigint, bigint] = [LONG_MIN, LONG_MAX],
): ValueType<'number'> {
  return {
    kind: 'number',
    hint: 'number',
    parse([word = '']) {
      const value = parseLong(word);
      if (value === null) return { error: "argument couldn't be parsed into an integer" };
      if (value < min || value > max) return outOfRange(String(min), String(max));
      const [low, high] = clamp;
      return { text: String(value < low ? low : value > high ? high : value) };
    },
  };
}

/** File permissions in octal, printed in octal as well. */
export function octal(max: number): ValueType<'number'> {
  return {
    kind: 'number',
    hint: 'octal',
    radix: 8,
    parse([word = '']) {
      if (!/^[0-7]+$/.test(word)) return { error: "argument couldn't be parsed as an octal number" };
      const value = Number.parseInt(word, 8);
      return value > max ? outOfRange('0', max.toString(8)) : { text: value.toString(8) };
    },
  };
}

/** An amount of memory with an optional unit; the text is in bytes. */
export function memory(min: number | bigint, max: number | bigint): ValueType<'number'> {
  return {
    kind: 'number',
    hint: 'bytes',
    parse([word = '']) {
      const bytes = parseMemory(word);
      if (Number.isNaN(bytes)) return { error: 'argument must be a memory value' };
      return bytes < min || bytes > max
        ? outOfRange(String(min), String(max))
        : { text: String(BigInt(bytes)) };
    },
  };
}

/** maxmemory: an amount, or a share of what this machine or container has, which Redis does not know. */
export function memoryOrShare(): ValueType<'number'> {
  const amount = memory(0, LONG_MAX);
  return {
    ...amount,
    hint: 'bytes|NN%',
    parse(values, context) {
      const percent = parsePercent(values[0] ?? '');
      if (percent === null) return amount.parse(values, context);
      if (percent > 100) return { error: 'percentage argument must be less or equal to 100' };
      return { text: String(shareOf(context.limits.memoryBytes, percent)) };
    },
  };
}

/** maxmemory-clients: an amount in bytes, or a percentage of maxmemory that stays a percentage. */
export function memoryOrPercent(): ValueType<'text'> {
  return {
    kind: 'text',
    hint: 'bytes|NN%',
    parse([word = '']) {
      const percent = parsePercent(word);
      if (percent !== null && percent > 100) {
        return { error: 'percentage argument must be less or equal to 100' };
      }
      if (percent !== null) return { text: percent === 0 ? '0' : `${percent}%` };
      const bytes = parseMemory(word);
      return Number.isNaN(bytes)
        ? { error: 'argument must be a memory or percent value' }
        : { text: String(bytes) };
    },
  };
}

export function yesNo(): ValueType<'flag'> {
  return {
    kind: 'flag',
    hint: 'yes|no',
    parse([word = '']) {
      const text = word.toLowerCase();
      return text === 'yes' || text === 'no' ? { text } : { error: "argument must be 'yes' or 'no'" };
    },
  };
}

/** One of several words, in the order in which the error text lists them. */
export function oneOf(...words: readonly string[]): ValueType<'text'> {
  return {
    kind: 'text',
    hint: words.join('|'),
    parse([word = '']) {
      const text = word.toLowerCase();
      return words.includes(text) ? { text } : notOneOf(words);
    },
  };
}

/** Any text, or what `check` lets through: it returns the error text, or null. */
export function anyText(
  check: (text: string) => string | null = () => null,
  hint = 'text',
): ValueType<'text'> {
  return {
    kind: 'text',
    hint,
    parse([text = '']) {
      const error = check(text);
      return error === null ? { text } : { error };
    },
  };
}

/** The name of a file within `dir`. Redis: its error texts name the directive. */
export function fileName(setting: string, mayBeEmpty: boolean): ValueType<'text'> {
  return anyText((text) => {
    if (text === '' && !mayBeEmpty) return `${setting} can't be empty`;
    return text.includes('/') ? `${setting} can't be a path, just a filename` : null;
  }, 'file');
}

/** The text must stay `allowed`: for directives which this build must refuse rather than ignore. */
export function only(allowed: string, hint: string, error: string): ValueType<'text'> {
  return {
    kind: 'text',
    hint,
    takesMany: true,
    parse: (values) => (values.join(' ').toLowerCase() === allowed ? { text: '' } : { error }),
  };
}

/** yes or no, where this build must refuse yes rather than ignore it. */
export function neverYes(error: string): ValueType<'flag'> {
  const flag = yesNo();
  return {
    ...flag,
    hint: 'no',
    parse: (values, context) =>
      values[0]?.toLowerCase() === 'yes' ? { error } : flag.parse(values, context),
  };
}

/** A directory that exists; the text is its absolute path. Unlike Redis we never change our working directory. */
export function directory(): ValueType<'text'> {
  return {
    kind: 'text',
    hint: 'path',
    parse([word = '']) {
      if (word === '' || word.includes('\0')) return { error: 'No such file or directory' };
      const path = isAbsolute(word) ? word : resolve(word);
      const stat = statSync(path, { throwIfNoEntry: false });
      if (stat === undefined) return { error: 'No such file or directory' };
      return stat.isDirectory() ? { text: path } : { error: 'Not a directory' };
    },
  };
}

/** Addresses to listen on; a leading '-' means that it is fine if the machine does not have it. */
export function addresses(): ValueType<'list'> {
  return {
    kind: 'list',
    hint: 'address …',
    takesMany: true,
    parse(values) {
      if (values.length > BIND_ADDRESSES_MAX) return { error: 'Too many bind addresses specified.' };
      return { text: values.join(' ').trim() };
    },
  };
}

/** Pairs of (seconds, changes); "" for none. Several lines of one start-up add up. */
export function savePoints(): ValueType<'list'> {
  return {
    kind: 'list',
    hint: 'seconds changes …',
    takesMany: true,
    parse(values, { current, isRepeated }) {
      if (values.length === 1 && values[0] === '') return { text: '' };
      const numbers = values.map(parseLong);
      const isValid = numbers.every(
        (value, i) => value !== null && value >= (i % 2 === 0 ? 1n : 0n) && value <= INT_MAX,
      );
      if (!isValid || values.length % 2 !== 0) return { error: 'Invalid save parameters' };
      return { text: [...(isRepeated && current ? [current] : []), ...values].join(' ') };
    },
  };
}

/** Percentiles between 0 and 100, printed with at most six decimals; "" for none. */
export function percentiles(): ValueType<'list'> {
  return {
    kind: 'list',
    hint: 'percentile …',
    takesMany: true,
    parse(values) {
      if (values.length === 1 && values[0] === '') return { text: '' };
      const numbers = values.map((word) => (word.trim() === '' ? NaN : Number(word)));
      if (numbers.some(Number.isNaN))
        return { error: 'Invalid latency-tracking-info-percentiles parameters' };
      if (numbers.some((value) => value < 0 || value > 100)) {
        return { error: 'latency-tracking-info-percentiles parameters should sit between [0.0,100.0]' };
      }
      return { text: numbers.map((value) => String(Number(value.toFixed(6)))).join(' ') };
    },
  };
}

/** Three scores for the kernel's out-of-memory killer. */
export function oomScores(): ValueType<'list'> {
  return {
    kind: 'list',
    hint: 'master replica child',
    takesMany: true,
    parse(values) {
      if (values.length !== 3) return { error: 'wrong number of arguments' };
      const isValid = values
        .map(parseLong)
        .every((v) => v !== null && v >= -OOM_SCORE_MAX && v <= OOM_SCORE_MAX);
      return isValid
        ? { text: values.join(' ') }
        : { error: 'Invalid oom-score-adj-values, elements must be between -2000 and 2000.' };
    },
  };
}

/** What a signal's shutdown does: a set of words, printed in their order here. */
export function shutdownOptions(): ValueType<'list'> {
  const words = ['default', 'save', 'nosave', 'now', 'force'];
  return {
    kind: 'list',
    hint: words.join('|'),
    takesMany: true,
    parse(values) {
      const chosen = values.map((word) => word.toLowerCase());
      if (chosen.some((word) => !words.includes(word))) return notOneOf(words);
      if (chosen.includes('save') && chosen.includes('nosave')) {
        return { error: "shutdown options SAVE and NOSAVE can't be used simultaneously" };
      }
      // Redis: 'default' is the empty set, so beside another word it says nothing.
      const text = words.filter((word) => word !== 'default' && chosen.includes(word)).join(' ');
      return { text: text === '' ? 'default' : text };
    },
  };
}

/** Times as in a crontab, five to seven fields; '' is never. */
export function cronPattern(): ValueType<'text'> {
  return {
    kind: 'text',
    hint: 'pattern',
    parse([word = '']) {
      if (word === '') return { text: '' };
      try {
        return { text: new CronPattern(word).pattern };
      } catch (error) {
        return { error: `not the times of a crontab: ${(error as Error).message}` };
      }
    },
  };
}

/** Which keyspace events are published. Redis prints the letters in this order, and 'A' for all of the first ten. */
export function eventClasses(): ValueType<'text'> {
  const inA = 'g$lshzxetd';
  const beside = 'KEmn';
  return {
    kind: 'text',
    hint: 'letters',
    parse([word = '']) {
      const chosen = new Set(word.replaceAll('A', inA));
      if ([...chosen].some((letter) => !(inA + beside).includes(letter))) {
        return { error: "Invalid event class character. Use 'Ag$lshzxeKEtmdn'." };
      }
      const isAll = [...inA].every((letter) => chosen.has(letter));
      const first = isAll ? 'A' : [...inA].filter((letter) => chosen.has(letter)).join('');
      return { text: first + [...beside].filter((letter) => chosen.has(letter)).join('') };
    },
  };
}

/** The classes of clients whose output is limited, in the order in which they are printed. */
export const BUFFER_CLASSES = ['normal', 'slave', 'pubsub'] as const;
export type BufferClass = (typeof BUFFER_CLASSES)[number];

/** Groups of (class, hard limit, soft limit, seconds); a class that is not named keeps its limits. */
export function bufferLimits(): ValueType<'list'> {
  return {
    kind: 'list',
    hint: 'class hard soft seconds …',
    takesMany: true,
    parse(values, { current }) {
      if (values.length % 4 !== 0) {
        return { error: 'Wrong number of arguments in buffer limit configuration.' };
      }
      const words = current.split(' ');
      for (let i = 0; i < values.length; i += 4) {
        const [className = '', hard = '', soft = '', seconds = ''] = values.slice(i, i + 4);
        const at = BUFFER_CLASSES.findIndex((known) => known === bufferClassOf(className));
        if (at < 0) return { error: 'Invalid client class specified in buffer limit configuration.' };
        const numbers = [parseMemory(hard), parseMemory(soft), Number(parseLong(seconds) ?? NaN)];
        if (numbers.some((value) => !(value >= 0))) {
          return { error: 'Error in hard, soft or soft_seconds setting in buffer limit configuration.' };
        }
        words.splice(at * 4 + 1, 3, ...numbers.map(String));
      }
      return { text: words.join(' ') };
    },
  };
}

/** The given percentage of an amount of bytes, rounded down. */
export function shareOf(bytes: number, percent: number): number {
  return Math.floor((bytes / 100) * percent);
}

function bufferClassOf(word: string): string {
  const name = word.toLowerCase();
  return name === 'replica' ? 'slave' : name;
}

/** As strictly as Redis: no blanks, no '+', no leading zeros; null unless it is a signed 64-bit number. */
function parseLong(word: string): bigint | null {
  if (!/^(0|-?[1-9]\d{0,18})$/.test(word)) return null;
  const value = BigInt(word);
  return value < LONG_MIN || value > LONG_MAX ? null : value;
}

/** Redis: an empty text is an amount of 0. */
function parseMemory(word: string): number {
  return word === '' ? 0 : parseMemorySize(word);
}

function parsePercent(word: string): number | null {
  return /^\d{1,9}%$/.test(word) ? Number(word.slice(0, -1)) : null;
}

function outOfRange(min: string, max: string): Parsed {
  return { error: `argument must be between ${min} and ${max} inclusive` };
}

function notOneOf(words: readonly string[]): Parsed {
  return { error: `argument(s) must be one of the following: ${words.join(', ')}` };
}
