/**
 * Libraries as FUNCTION DUMP writes them and FUNCTION RESTORE reads them: Redis' own form, so that each server can read
 * the other's. For each library what an RDB file has of it, and behind all of them what ends a payload of DUMP.
 */
import { Bytes } from '../../base/bytes.ts';
import { RdbError } from '../../persist/rdb/error.ts';
import { writeLibrary } from '../../persist/rdb/file-writer.ts';
import { Opcode, RDB_VERSION_DEFAULT } from '../../persist/rdb/format.ts';
import { RdbInput, TextSlot } from '../../persist/rdb/input.ts';
import { RdbOutput } from '../../persist/rdb/output.ts';
import { appendFooter, payloadBodyBytes } from '../../persist/rdb/payload.ts';

/** The payload that holds `codes`. */
export function dumpLibraries(codes: readonly Buffer[]): Buffer {
  const out = new RdbOutput();
  for (const code of codes) writeLibrary(out, code);
  appendFooter(out, RDB_VERSION_DEFAULT);
  return out.buffer.written();
}

/** The codes that a payload holds. A text is why it is refused. */
export function readDump(payload: Buffer): Buffer[] | string {
  const bytes = Bytes.allocate(payload.length);
  payload.copy(bytes.u8);
  const bodyBytes = payloadBodyBytes(bytes, 0, payload.length);
  if (bodyBytes < 0) return 'ERR DUMP payload version or checksum are wrong';
  const input = new RdbInput(bytes);
  input.open(bytes, 0, bodyBytes, 0);
  const code = new TextSlot();
  const codes: Buffer[] = [];
  while (input.at < bodyBytes) {
    if (input.byte() !== Opcode.Function2) return 'ERR given type is not a function';
    try {
      input.text(code);
    } catch (error) {
      if (error instanceof RdbError) return 'ERR failed loading functions payload';
      throw error;
    }
    codes.push(Buffer.from(code.bytes.u8.subarray(code.at, code.at + code.byteCount)));
  }
  return codes;
}
