/** Writing replies into the output buffer. */

import { Bytes } from '../../src/base/bytes.ts';
import { RespWriter } from '../../src/protocol/resp-writer.ts';
import { runVariants, type Prepare } from '../micro.ts';

const REPLY_COUNT = 64;

function write(reply: (writer: RespWriter, i: number) => void): Prepare {
  return () => {
    const writer = new RespWriter();
    function run(): number {
      writer.clear();
      for (let i = 0; i < REPLY_COUNT; i++) reply(writer, i);
      return writer.at;
    }
    return { run, operationCount: REPLY_COUNT };
  };
}

const value = Bytes.fromText('x'.repeat(4096));

await runVariants('resp-writer', {
  OK: write((writer) => writer.ok()),
  nil: write((writer) => writer.nil()),
  'small integer': write((writer, i) => writer.integer(i)),
  'large integer': write((writer, i) => writer.integer(1_234_567_890_123 + i)),
  'bulk 32 bytes': write((writer) => writer.bulk(value, 0, 32)),
  'bulk 4 KiB': write((writer) => writer.bulk(value, 0, 4096)),
});
