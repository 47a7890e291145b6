/** Malformed requests get what redis-server answers, byte for byte, and are closed on where it closes. */

import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { isOracleMissing, startOracle } from '../support/oracles.ts';
import type { Oracle } from '../support/oracles.ts';
import { TestServer } from '../support/test-server.ts';

/** What a server answers to `input`, and whether it then closes the connection. */
interface Answer {
  readonly output: string;
  readonly closed: boolean;
}

/** How long a silent oracle is taken to have nothing to say: long enough for a busy machine, and all are asked at once. */
const SILENCE_MS = 400;

function askOracle(port: number, input: Buffer): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let output = '';
    let silence: Timer | undefined;
    const socketOf = Bun.connect({
      hostname: '127.0.0.1',
      port,
      socket: {
        open: (socket) => {
          socket.write(input);
          silence = setTimeout(() => finish(false), SILENCE_MS);
        },
        data: (_socket, bytes) => {
          output += bytes.toString('latin1');
          silence?.refresh();
        },
        close: () => finish(true),
        error: (_socket, error) => reject(error),
      },
    });
    const finish = (closed: boolean): void => {
      clearTimeout(silence);
      resolve({ output, closed });
      void socketOf.then((socket) => socket.end());
    };
  });
}

async function askOurs(server: TestServer, input: Buffer): Promise<Answer> {
  const client = server.connect();
  const output = client.send(input);
  // The connection is closed behind the reply, in a microtask.
  await Promise.resolve();
  return { output, closed: client.socket.ended };
}

const INPUTS: readonly string[] = [
  '*-1\r\n',
  '*0\r\n',
  '\r\n',
  '*-1\r\nPING\r\n',
  '*-5\r\nPING\r\n',
  '*0\r\n*1\r\n$4\r\nPING\r\n',
  '*2147483648\r\n',
  '*9223372036854775808\r\n',
  '*-9223372036854775809\r\n',
  '*x\r\n',
  '*\r\n',
  '*-\r\n',
  '*-0\r\n',
  '*+1\r\n',
  '* 1\r\n',
  '*1 \r\n',
  '*01\r\n',
  '*1\n',
  '*1\r\nPING\r\n',
  '*1\r\n+PING\r\n',
  '*1\r\n\r\n',
  '*1\r\n$536870913\r\n',
  '*1\r\n$-1\r\n',
  '*1\r\n$-2\r\n',
  '*1\r\n$-0\r\n',
  '*1\r\n$04\r\nPING\r\n',
  '*1\r\n$00\r\n\r\n',
  '*1\r\n$+4\r\nPING\r\n',
  '*1\r\n$ 4\r\nPING\r\n',
  '*1\r\n$4 \r\nPING\r\n',
  '*1\r\n$\r\n',
  '*1\r\n$-\r\n',
  '*1\r\n$x\r\n',
  '*1\r\n$4x\r\nPING\r\n',
  '*1\r\n$99999999999\r\n',
  '*1\r\n$99999999999999999999\r\n',
  // The two bytes behind a bulk string, and the one behind a carriage return, are not looked at.
  '*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n',
  '*1\rx$4\rxPING\r\n',
  '*1\r\n$4\nPING\r\n',
  '*1\r\n$4\r\nPI',
  '*1\r\n$0\r\n\r\n',
  '*2\r\n$4\r\nPING\r\n$0\r\n\r\n',
  '*1\r\n$4\r\nPING\r\n*1\r\n$x\r\nPING\r\n',
  'PING\r\n',
  'PING\n',
  'PING\r',
  'PING\r\r\n',
  '  PING  \r\n',
  'ping "a b"\r\n',
  "ping 'a b'\r\n",
  'ping "\\x41\\n\\"\\q"\r\n',
  "ping 'a\\'b\\n'\r\n",
  'ping "a b\r\n',
  "ping 'a b\r\n",
  'ping "a"b\r\n',
  'ping a"b"\r\n',
  'ping ""\r\n',
  '""\r\n',
  'ping \xff\r\n',
  '+PING\r\n',
  '$4\r\nPING\r\n',
  ':1\r\n',
  '{"json": 1}\r\n',
  ' \t\r\n',
  '\0\r\n\r\n'.slice(3),
  `ping ${'x'.repeat(70_000)}\r\n`,
  'x'.repeat(65_536),
  'x'.repeat(65_537),
  `*${'1'.repeat(65_600)}`,
  `*1\r\n$${'1'.repeat(65_600)}`,
  `*${'1'.repeat(100)}\r\n`,
  'GET\r\n',
  'get a b c\r\n',
  'nosuch\r\n',
  'nosuch a b\r\n',
  `nosuch ${'y'.repeat(300)} z\r\n`,
];

/** Where we differ, and why. */
const DIFFERENT: Record<string, [input: string, ours: Answer, theirs: Answer]> = {
  'what is no bulk string is refused at its first byte; Redis waits for the end of its line': [
    '*1\r\nx',
    { output: "-ERR Protocol error: expected '$', got 'x'\r\n", closed: true },
    { output: '', closed: false },
  ],
  'error texts are UTF-8; Redis repeats the byte as it came': [
    '*1\r\n\xff\r\n',
    { output: "-ERR Protocol error: expected '$', got '\xc3\xbf'\r\n", closed: true },
    { output: "-ERR Protocol error: expected '$', got '\xff'\r\n", closed: true },
  ],
  'a million arguments are our limit, as the protocol says; Redis 7 takes any 31-bit number': [
    '*1048577\r\n',
    { output: '-ERR Protocol error: invalid multibulk length\r\n', closed: true },
    { output: '', closed: false },
  ],
  'a NUL byte ends an inline request; Redis looks for the line end only up to it, and waits for ever': [
    'PING\0x\r\n',
    { output: '+PONG\r\n', closed: false },
    { output: '', closed: false },
  ],
  'a NUL byte in a count is refused at once; Redis waits for ever': [
    '*1\0\r\n',
    { output: '-ERR Protocol error: invalid multibulk length\r\n', closed: true },
    { output: '', closed: false },
  ],
  'a NUL byte in a length is refused at once; Redis waits for ever': [
    '*1\r\n$4\0\r\nPING\r\n',
    { output: '-ERR Protocol error: invalid bulk length\r\n', closed: true },
    { output: '', closed: false },
  ],
};

const nameOf = (input: string): string =>
  JSON.stringify(input.length > 60 ? `${input.slice(0, 20)}… ${input.length} bytes` : input);

const UNAUTHENTICATED: readonly string[] = [
  '*10\r\n',
  '*11\r\n',
  '*1\r\n$16384\r\n',
  '*1\r\n$16385\r\n',
  'PING\r\n',
  'GET a\r\nGET b\r\n',
  'nosuch\r\n',
  'GET\r\n',
];

/** The oracle's answers to all of `inputs`, asked at once on a connection each. */
async function askAll(port: number, inputs: readonly string[]): Promise<Map<string, Answer>> {
  const ask = async (input: string): Promise<[string, Answer]> => [
    input,
    await askOracle(port, Buffer.from(input, 'latin1')),
  ];
  return new Map(await Promise.all(inputs.map(ask)));
}

describe.skipIf(isOracleMissing('redis-server'))('redis-server answers the same', () => {
  const oracles: Oracle[] = [];
  let answers: Map<string, Answer>;
  let answersBefore: Map<string, Answer>;
  const server = new TestServer();
  const closedServer = new TestServer({ settings: { requirepass: 'secret' } });

  beforeAll(async () => {
    oracles.push(await startOracle('redis-server'));
    oracles.push(await startOracle('redis-server'));
    await askOracle(oracles[1]!.port, Buffer.from('CONFIG SET requirepass secret\r\n'));
    const different = Object.values(DIFFERENT).map(([input]) => input);
    answers = await askAll(oracles[0]!.port, [...INPUTS, ...different]);
    answersBefore = await askAll(oracles[1]!.port, UNAUTHENTICATED);
  });
  afterAll(async () => {
    await Promise.all(oracles.map((oracle) => oracle.stop()));
  });

  for (const input of INPUTS) {
    test(`to ${nameOf(input)}`, async () => {
      expect(await askOurs(server, Buffer.from(input, 'latin1'))).toEqual(answers.get(input)!);
    });
  }
  for (const input of UNAUTHENTICATED) {
    test(`before authentication to ${nameOf(input)}`, async () => {
      expect(await askOurs(closedServer, Buffer.from(input, 'latin1'))).toEqual(answersBefore.get(input)!);
    });
  }
  for (const [reason, [input, ours, theirs]] of Object.entries(DIFFERENT)) {
    test(`but not to ${nameOf(input)}: ${reason}`, async () => {
      expect(await askOurs(server, Buffer.from(input, 'latin1'))).toEqual(ours);
      expect(answers.get(input)).toEqual(theirs);
    });
  }
});
