/** Payloads of RESTORE and whole RDB files, damaged at random: each is loaded or refused, and what is loaded is sound, can be
 *  looked at, and comes back the same from DUMP. */

import { RdbError } from '../../src/persist/rdb/error.ts';
import { BODIES } from '../support/rdb-bodies.ts';
import { bytes, rdbFile, text } from '../support/rdb-bytes.ts';
import { bulkBytes, loadFile, payloadOf, saveFile } from '../support/rdb-file.ts';
import { SAMPLES } from '../support/rdb-samples.ts';
import { Prng } from '../support/prng.ts';
import { TestServer } from '../support/test-server.ts';

const VERIFY_EVERY = 50;
const FILE_EVERY = 20;
const FOOTER_BYTES = 10;
/** Larger bodies take too long to be damaged often. */
const BODY_BYTES_MAX = 3000;
/** Bytes that mean something somewhere: lengths, forms, ends. */
const TELLING = [
  0, 1, 2, 3, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xbf, 0xc0, 0xc3, 0xe0, 0xf0, 0xf1, 0xf4, 0xfd, 0xfe, 0xff,
];
/** Commands that look at a value of any type. */
const LOOKS = ['GET', 'LRANGE', 'SMEMBERS', 'ZRANGE', 'HGETALL', 'XRANGE'];
const OK = '+OK\r\n';

export class RdbFuzz {
  takenCount = 0;
  private readonly random: Prng;
  private readonly server = new TestServer({ shardCount: 2, shardBytes: 16 << 20 });
  private readonly bodies: Buffer[] = BODIES.map(({ body }) => body);

  constructor(seed: number) {
    this.random = new Prng(seed);
    for (const { commands } of SAMPLES) {
      this.server.run('DEL', 'k');
      for (const command of commands) this.server.run(...command);
      const payload = bulkBytes(this.server.run('DUMP', 'k'));
      if (payload.length <= BODY_BYTES_MAX) this.bodies.push(payload.subarray(0, -FOOTER_BYTES));
    }
    this.server.run('FLUSHALL');
  }

  run(operationCount: number): void {
    for (let operation = 0; operation < operationCount; operation++) {
      if (operation % FILE_EVERY === 0) this.loadDamagedFile();
      else this.restoreDamaged();
      if (operation % VERIFY_EVERY === 0) this.server.verify();
    }
    this.server.verify();
  }

  private restoreDamaged(): void {
    const { server } = this;
    const payload = payloadOf(this.damage(this.anyBody()), 12);
    const reply = server.run('RESTORE', 'k', 0, payload, 'REPLACE');
    if (reply !== OK) {
      const isRefused = reply === '-ERR Bad data format\r\n' || reply.startsWith('-OOM ');
      if (!isRefused) throw new Error(`RESTORE answers ${reply}`);
      return;
    }
    this.takenCount++;
    const digest = server.run('DEBUG', 'DIGEST-VALUE', 'k');
    for (const name of LOOKS) server.run(name, 'k', ...(name.endsWith('RANGE') ? rangeOf(name) : []));
    const again = server.run('RESTORE', 'copy', 0, bulkBytes(server.run('DUMP', 'k')), 'REPLACE');
    if (again !== OK) throw new Error(`what DUMP gives is answered with ${again}`);
    if (server.run('DEBUG', 'DIGEST-VALUE', 'copy') !== digest)
      throw new Error('DUMP and RESTORE change a value');
  }

  private anyBody(): Buffer {
    return this.bodies[this.random.below(this.bodies.length)]!;
  }

  /** A copy with up to four changes. */
  private damage(body: Buffer): Buffer {
    const { random } = this;
    let damaged: Buffer = Buffer.from(body);
    for (let left = random.below(5); left > 0; left--) {
      const at = random.below(damaged.length + 1);
      const rest = damaged.subarray(at);
      const before = damaged.subarray(0, at);
      const telling = TELLING[random.below(TELLING.length)]!;
      switch (random.below(6)) {
        case 0:
          damaged = bytes(before, telling, rest);
          break;
        case 1:
          damaged = bytes(before, rest.subarray(1 + random.below(4)));
          break;
        case 2:
          damaged = bytes(before, this.anyBody().subarray(random.below(20)));
          break;
        case 3:
          damaged = bytes(before, rest.subarray(0, 8), rest);
          break;
        case 4:
          damaged = bytes(before, random.next32() & 0xff, rest.subarray(1));
          break;
        default:
          damaged = bytes(before, telling, rest.subarray(1));
      }
      if (damaged.length > BODY_BYTES_MAX * 2) damaged = damaged.subarray(0, BODY_BYTES_MAX);
    }
    return damaged;
  }

  /** A file of a few entries, damaged; what was loaded of it is saved and loaded again. */
  private loadDamagedFile(): void {
    const { random, server } = this;
    const entries: Buffer[] = [];
    for (let i = random.below(5); i >= 0; i--) {
      const body = this.anyBody();
      entries.push(bytes(body.subarray(0, 1), text(`k${i}`), body.subarray(1)));
    }
    server.run('FLUSHALL');
    try {
      loadFile(server, this.damage(rdbFile(12, ...entries)), { isSumming: false, windowBytes: 256 });
    } catch (error) {
      if (!(error instanceof RdbError)) throw error;
    }
    const digest = server.run('DEBUG', 'DIGEST');
    const file = saveFile(server, { version: random.below(2) === 0 ? 10 : 12 });
    server.run('FLUSHALL');
    loadFile(server, file, { isDroppingExpired: false });
    if (server.run('DEBUG', 'DIGEST') !== digest)
      throw new Error('a file that was saved is loaded as another');
  }
}

function rangeOf(name: string): (string | number)[] {
  return name === 'XRANGE' ? ['-', '+'] : [0, -1];
}

export function fuzzRdb(seed: number, operationCount: number): void {
  new RdbFuzz(seed).run(operationCount);
}
