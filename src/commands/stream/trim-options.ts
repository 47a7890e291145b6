/** The options of XADD and XTRIM. */
import { References } from '../../store/stream/references.ts';
import { StreamId } from '../../structures/stream/stream-id.ts';
import type { Trim } from '../../structures/stream/stream-log.ts';
import { isWord } from '../argument.ts';
import { SYNTAX_ERROR } from '../replies.ts';
import type { Call } from '../row.ts';
import { referencesWord } from './delete-references.ts';
import { idArgument, integerArgument, isSymbol, newIdArgument, Sequence } from './arguments.ts';

const DEFAULT_NODES = 100;
const DEFAULT_LIMIT_MAX = 1_000_000;
const DEFAULT_LIMIT_UNBOUNDED = 10_000;
const BOTH = 'ERR syntax error, MAXLEN and MINID options at the same time are not compatible';

export class TrimOptions implements Trim {
  hasTrim = false;
  lengthMax = 0;
  minId: StreamId | null = null;
  isApproximate = false;
  limit = 0;
  isLimitGiven = false;
  noCreate = false;
  references: References = References.Keep;
  hasReferences = false;
  /** The id asked for, and what of it is. Invalid: none, it is to be chosen. */
  readonly id = new StreamId();
  sequence = Sequence.Invalid;
  private readonly bound = new StreamId();

  reset(): void {
    this.hasTrim = false;
    this.minId = null;
    this.isApproximate = false;
    this.limit = 0;
    this.isLimitGiven = false;
    this.noCreate = false;
    this.references = References.Keep;
    this.hasReferences = false;
    this.sequence = Sequence.Invalid;
  }

  /** Reads the bound of MAXLEN or MINID, whose word is argument `index`. Returns its index, or -1: the error has been replied. */
  readBound(call: Call, index: number, isLength: boolean): number {
    if (this.hasTrim) {
      call.reply.error(BOTH);
      return -1;
    }
    const hasMore = index + 2 < call.count;
    this.isApproximate = hasMore && isSymbol(call, index + 1, '~');
    const at = this.isApproximate || (hasMore && isSymbol(call, index + 1, '=')) ? index + 2 : index + 1;
    if (isLength) {
      this.lengthMax = integerArgument(call, at);
      if (this.lengthMax !== this.lengthMax) return -1;
      if (this.lengthMax < 0) {
        call.reply.error('ERR The MAXLEN argument must be >= 0.');
        return -1;
      }
    } else {
      if (!idArgument(call, at, this.bound)) return -1;
      this.minId = this.bound;
    }
    this.hasTrim = true;
    return at;
  }

  readLimit(call: Call, index: number): boolean {
    this.limit = integerArgument(call, index);
    if (this.limit !== this.limit) return false;
    this.isLimitGiven = true;
    if (this.limit >= 0) return true;
    call.reply.error('ERR The LIMIT argument must be >= 0.');
    return false;
  }

  /** Reads KEEPREF, DELREF or ACKED. False: it is another word, or the second of these. */
  readReferences(call: Call, index: number): boolean {
    const references = this.hasReferences ? null : referencesWord(call, index);
    if (references === null) return false;
    this.references = references;
    this.hasReferences = true;
    return true;
  }

  /** The error in how the options go together, or ''. Sets the limit where none is given. */
  check(isAdd: boolean, nodeEntries: number): string {
    if (this.limit !== 0 && !this.hasTrim) {
      return 'ERR syntax error, LIMIT cannot be used without specifying a trimming strategy';
    }
    if (!isAdd && !this.hasTrim) return 'ERR syntax error, XTRIM must be called with a trimming strategy';
    if (this.isLimitGiven) {
      return this.isApproximate ? '' : 'ERR syntax error, LIMIT cannot be used without the special ~ option';
    }
    if (this.isApproximate) {
      const limit = DEFAULT_NODES * nodeEntries;
      this.limit = limit <= 0 ? DEFAULT_LIMIT_UNBOUNDED : Math.min(limit, DEFAULT_LIMIT_MAX);
    }
    return '';
  }
}

/** The options of XADD (up to its id) or XTRIM. Returns the index of the id, or -1: the error has been replied. */
export function parseTrimOptions(call: Call, isAdd: boolean, into: TrimOptions): number {
  const { count, reply } = call;
  into.reset();
  let index = 2;
  for (; index < count; index++) {
    if (isAdd && isSymbol(call, index, '*')) break;
    const hasMore = index + 1 < count;
    const isLength = hasMore && isWord(call, index, 'MAXLEN');
    if (isLength || (hasMore && isWord(call, index, 'MINID'))) {
      index = into.readBound(call, index, isLength);
      if (index < 0) return -1;
    } else if (hasMore && isWord(call, index, 'LIMIT')) {
      if (!into.readLimit(call, ++index)) return -1;
    } else if (isAdd && isWord(call, index, 'NOMKSTREAM')) into.noCreate = true;
    else if (into.readReferences(call, index)) continue;
    else if (isAdd) {
      into.sequence = newIdArgument(call, index, into.id);
      if (into.sequence === Sequence.Invalid) return -1;
      break;
    } else {
      reply.error(SYNTAX_ERROR);
      return -1;
    }
  }
  const error = into.check(isAdd, call.keyspace.packedLimits.streamNodeEntries);
  if (error === '') return index;
  reply.error(error);
  return -1;
}
