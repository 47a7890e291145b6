/** Replays every transcript beside this file (see transcript.ts): request by request, all requests in one read, cut in
 *  two at every byte, and byte by byte. */

import { describe, expect, test } from 'bun:test';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestClient, TestServer } from '../support/test-server.ts';
import { parseTranscript, type Transcript } from './transcript.ts';

/** Longer transcripts are cut in two at so many places only, evenly spread. */
const CUTS_MAX = 600;

function start(transcript: Transcript): { server: TestServer; client: TestClient } {
  const server = new TestServer({ shardCount: 2, shardBytes: 2 << 20, settings: transcript.settings });
  const client = server.connect();
  client.connection.version = transcript.protocol;
  return { server, client };
}

/** Sends the pieces to a fresh server and checks that all comes back that should. */
async function replay(transcript: Transcript, pieces: readonly Buffer[], wanted: string): Promise<void> {
  const { server, client } = start(transcript);
  let received = '';
  for (const piece of pieces) if (!client.socket.ended) received += client.send(piece);
  // The connection is closed behind the last reply, in a microtask.
  await Promise.resolve();
  expect(received).toBe(wanted);
  expect(client.socket.ended).toBe(transcript.isClosed);
  server.verify();
}

for (const file of readdirSync(import.meta.dir).filter((name) => name.endsWith('.txt'))) {
  const transcript = parseTranscript(readFileSync(join(import.meta.dir, file), 'utf8'));
  const { exchanges } = transcript;
  const input = Buffer.concat(exchanges.map(({ sent }) => sent));
  const wanted = exchanges.map(({ received }) => received).join('');

  describe(file, () => {
    test('request by request', () => {
      const { server, client } = start(transcript);
      for (const { sent, received } of exchanges) {
        expect([sent.toString('latin1'), client.send(sent)]).toEqual([sent.toString('latin1'), received]);
      }
      server.verify();
    });

    test('all in one read', () => replay(transcript, [input], wanted));

    test('cut in two at every byte', async () => {
      const step = Math.max(1, Math.floor(input.length / CUTS_MAX));
      for (let at = 1; at < input.length; at += step) {
        await replay(transcript, [input.subarray(0, at), input.subarray(at)], wanted);
      }
    });

    test('byte by byte', () =>
      replay(
        transcript,
        Array.from(input, (_, at) => input.subarray(at, at + 1)),
        wanted,
      ));
  });
}

test('a transcript says what it seems to say', () => {
  const text =
    '# note\n! requirepass a b\n! protocol 3\nC: SET k "\\x00 v"\n< +OK\n> PI\n> NG\\r\\n\n< +PO\\\n< NG\nx\n';
  expect(parseTranscript(text)).toEqual({
    settings: { requirepass: 'a b' },
    protocol: 3,
    exchanges: [
      { sent: Buffer.from('*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\n\0 v\r\n'), received: '+OK\r\n' },
      { sent: Buffer.from('PING\r\n'), received: '+PONG\r\n' },
    ],
    isClosed: true,
  });
  expect(() => parseTranscript('nonsense')).toThrow('line 1');
});
