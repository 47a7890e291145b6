/** PFDEBUG and PFSELFTEST: what is inside a HyperLogLog, and whether they work. */
import { Bytes } from '../../base/bytes.ts';
import { isDense, markRaw, mergeRecord, putImage, takeImage } from '../../store/hyperloglog.ts';
import { valueAt, valueBytes } from '../../store/record.ts';
import { describeSparse, estimateSparse, HyperLogLogImage } from '../../structures/hyperloglog/image.ts';
import {
  DENSE_BYTES,
  estimateDense,
  mergeDense,
  placeElement,
  raiseDense,
  REGISTER_COUNT,
  scratchPlace,
} from '../../structures/hyperloglog/registers.ts';
import { OUT_OF_MEMORY } from '../replies.ts';
import { type Call, Flag, key, KeyFlag, type Row } from '../row.ts';
import { CORRUPT, findHyperLogLog, NOT_ONE, scratchImage } from './value.ts';

export const debugRows: readonly Row[] = [
  {
    name: 'PFDEBUG',
    since: '2.8.9',
    arity: 3,
    flags: Flag.Write | Flag.DenyOom | Flag.Admin,
    acl: ['hyperloglog'],
    keys: [key(2, KeyFlag.ReadWrite | KeyFlag.Access)],
    grows: true,
    summary: 'Shows what is inside a HyperLogLog, or makes it dense.',
    run: pfdebugCommand,
  },
  {
    name: 'PFSELFTEST',
    since: '2.8.9',
    arity: 1,
    flags: Flag.Admin,
    acl: ['hyperloglog'],
    summary: 'Checks that registers hold what is written and that estimates are close.',
    run: pfselftestCommand,
  },
];

const NO_KEY = 'ERR The specified key does not exist';
const NOT_SPARSE = 'ERR HLL encoding is not sparse';
/** Elements that the self-test adds. Redis adds ten million, for which a worker would be busy for seconds. */
const TEST_ELEMENTS = 100_000;
/** The error that is tolerated, in parts of the cardinality: six times the standard error of 16384 registers. */
const TEST_ERROR = (1.04 / 128) * 6;

function pfdebugCommand(call: Call): void {
  const { key, reply } = call;
  const record = findHyperLogLog(call, key);
  if (record === NOT_ONE) return;
  if (record === 0) return reply.error(NO_KEY);
  markRaw(key.shard, record);
  const word = call.text(1);
  switch (word.toLowerCase()) {
    case 'getreg':
      return replyRegisters(call);
    case 'decode':
      return replyRuns(call, record);
    case 'encoding':
      return reply.simple(isDense(key.shard, record) ? 'dense' : 'sparse');
    case 'todense': {
      const wasDense = isDense(key.shard, record);
      if (makeDense(call)) reply.integer(wasDense ? 0 : 1);
      return;
    }
    default:
      reply.error(`ERR Unknown PFDEBUG subcommand '${word}'`);
  }
}

/** Makes the HyperLogLog found dense. False: the error has been replied. */
function makeDense(call: Call): boolean {
  const { key, reply } = call;
  if (isDense(key.shard, key.record)) return true;
  takeImage(scratchImage, key.shard, key.record);
  const isValid = scratchImage.becomeDense();
  if (isValid && putImage(call.keyspace, key, scratchImage)) return true;
  reply.error(isValid ? OUT_OF_MEMORY : CORRUPT);
  return false;
}

/** Redis: a sparse one becomes dense to be looked at. */
function replyRegisters(call: Call): void {
  const { key, reply } = call;
  if (!makeDense(call)) return;
  const registers = new Uint8Array(REGISTER_COUNT);
  mergeRecord(key.shard, key.record, registers);
  reply.array(REGISTER_COUNT);
  for (const register of registers) reply.integer(register);
}

function replyRuns(call: Call, record: number): void {
  const { shard } = call.key;
  if (isDense(shard, record)) return call.reply.error(NOT_SPARSE);
  const at = valueAt(shard, record);
  call.reply.bulkText(describeSparse(shard.bytes.u8, at, at + valueBytes(shard, record)));
}

function pfselftestCommand(call: Call): void {
  const failure = testRegisters() ?? testEstimates(call.keyspace.packedLimits.hyperLogLogBytes);
  if (failure === null) call.reply.ok();
  else call.reply.error(`ERR TESTFAILED ${failure}`);
}

/** Whether every register holds what is written to it, whatever its neighbours hold. Null: it does. */
function testRegisters(): string | null {
  const u8 = new Uint8Array(DENSE_BYTES);
  const wanted = new Uint8Array(REGISTER_COUNT);
  for (let i = 0; i < REGISTER_COUNT; i++) {
    const index = (i * 7919) % REGISTER_COUNT;
    wanted[index] = (index * 31 + (index >> 5)) & 63;
    raiseDense(u8, 0, index, wanted[index]!);
  }
  const registers = new Uint8Array(REGISTER_COUNT);
  mergeDense(u8, 0, registers);
  const index = registers.findIndex((register, i) => register !== wanted[i]);
  return index < 0 ? null : `Register ${index} should be ${wanted[index]} but is ${registers[index]}`;
}

/** Whether a dense and a sparse one agree and are close to what was added. Null: they are. */
function testEstimates(sparseBytesMax: number): string | null {
  const element = Bytes.allocate(8);
  const dense = new Uint8Array(DENSE_BYTES);
  const image = new HyperLogLogImage();
  image.clear();
  let checkpoint = 1;
  for (let i = 1; i <= TEST_ELEMENTS; i++) {
    element.view.setFloat64(0, i, true);
    placeElement(element, 0, 8);
    raiseDense(dense, 0, scratchPlace.index, scratchPlace.value);
    image.raise(scratchPlace.index, scratchPlace.value, sparseBytesMax);
    if (i !== checkpoint) continue;
    const { u8 } = image.bytes;
    const estimated = estimateDense(dense, 0);
    const other = image.isDense ? estimateDense(u8, 0) : estimateSparse(u8, 0, image.byteCount);
    if (estimated !== other) return 'dense/sparse disagree';
    const error = Math.abs(checkpoint - estimated);
    if (error > Math.ceil(TEST_ERROR * checkpoint))
      return `Too big error. card:${checkpoint} abserr:${error}`;
    checkpoint *= 10;
  }
  return null;
}
