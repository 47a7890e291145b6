/** Clients that wait for new entries of streams: all who read are served, and of those in a group one for each entry. */
import { describe, expect, test } from 'bun:test';
import { BlockingScene as Scene, bulk } from '../../support/blocking-scene.ts';

/** The reply of a read of one stream: entries of one field `f` each. */
function read(name: string, ...entries: [id: string, value: string][]): string {
  const bodies = entries.map(([id, value]) => `*2\r\n${bulk(id)}*2\r\n${bulk('f', value)}`).join('');
  return `*1\r\n*2\r\n${bulk(name)}*${entries.length}\r\n${bodies}`;
}

describe('a client that waits for entries', () => {
  test('is served with all others that do', async () => {
    const scene = new Scene();
    scene.block(1, 'XREAD', 'BLOCK', 0, 'STREAMS', 's', '$');
    scene.block(2, 'XREAD', 'BLOCK', 0, 'COUNT', 1, 'STREAMS', 'other', 's', 0, 0);
    scene.block(3, 'XREAD', 'BLOCK', 0, 'STREAMS', 's', '5');
    scene.run('XADD', 's', '1-1', 'f', 'a');
    expect(await scene.reply(1)).toBe(read('s', ['1-1', 'a']));
    expect(await scene.reply(2)).toBe(read('s', ['1-1', 'a']));
    expect(await scene.reply(3)).toBe('');
    scene.run('XADD', 's', '5-1', 'f', 'b');
    expect(await scene.reply(3)).toBe(read('s', ['5-1', 'b']));
    expect(scene.run('XLEN', 's')).toBe(':2\r\n');
    scene.end();
  });

  test('speaks RESP3 and is answered with a map', async () => {
    const scene = new Scene();
    scene.client(1).run('HELLO', 3);
    scene.block(1, 'XREAD', 'BLOCK', 0, 'STREAMS', 's', '$');
    scene.run('XADD', 's', '1-1', 'f', 'a');
    expect(await scene.reply(1)).toBe(`%1\r\n${bulk('s')}*1\r\n*2\r\n${bulk('1-1')}*2\r\n${bulk('f', 'a')}`);
    scene.end();
  });

  test('in a group gets an entry that nobody else does, in the order in which they came', async () => {
    const scene = new Scene();
    scene.run('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM');
    scene.block(1, 'XREADGROUP', 'GROUP', 'g', 'one', 'BLOCK', 0, 'COUNT', 1, 'STREAMS', 's', '>');
    scene.block(2, 'XREADGROUP', 'GROUP', 'g', 'two', 'BLOCK', 0, 'COUNT', 1, 'NOACK', 'STREAMS', 's', '>');
    scene.block(3, 'XREAD', 'BLOCK', 0, 'STREAMS', 's', '$');
    scene.run('XADD', 's', '1-1', 'f', 'a');
    expect(await scene.reply(1)).toBe(read('s', ['1-1', 'a']));
    expect(await scene.reply(2)).toBe('');
    expect(await scene.reply(3)).toBe(read('s', ['1-1', 'a']));
    scene.run('XADD', 's', '1-2', 'f', 'b');
    expect(await scene.reply(2)).toBe(read('s', ['1-2', 'b']));
    expect(scene.run('XPENDING', 's', 'g')).toBe(
      `*4\r\n:1\r\n${bulk('1-1', '1-1')}*1\r\n*2\r\n${bulk('one', '1')}`,
    );
    expect(scene.run('XACK', 's', 'g', '1-1')).toBe(':1\r\n');
    scene.end();
  });

  test('is told when its group or its stream is gone', async () => {
    const scene = new Scene();
    scene.run('XGROUP', 'CREATE', 's', 'g', '$', 'MKSTREAM');
    scene.block(1, 'XREADGROUP', 'GROUP', 'g', 'one', 'BLOCK', 0, 'STREAMS', 's', '>');
    scene.run('XGROUP', 'DESTROY', 's', 'g');
    expect(await scene.reply(1)).toBe(
      '-NOGROUP the consumer group this client was blocked on no longer exists\r\n',
    );
    scene.run('XGROUP', 'CREATE', 's', 'g', '$');
    scene.block(1, 'XREADGROUP', 'GROUP', 'g', 'one', 'BLOCK', 0, 'STREAMS', 's', '>');
    scene.block(2, 'XREAD', 'BLOCK', 0, 'STREAMS', 's', '$');
    scene.run('DEL', 's');
    expect(await scene.reply(1)).toBe('-UNBLOCKED the stream key no longer exists\r\n');
    scene.run('SET', 's', 'text');
    scene.run('DEL', 's');
    expect(await scene.reply(2)).toBe('');
    scene.run('XADD', 's', '1-1', 'f', 'a');
    expect(await scene.reply(2)).toBe(read('s', ['1-1', 'a']));
    scene.end();
  });

  test('finds what another key has become', async () => {
    const scene = new Scene();
    scene.run('XADD', 'from', '1-1', 'f', 'a');
    scene.block(1, 'XREAD', 'BLOCK', 0, 'STREAMS', 'to', 0);
    scene.block(2, 'XREAD', 'BLOCK', 0, 'STREAMS', 'copy', 0);
    scene.run('RENAME', 'from', 'to');
    expect(await scene.reply(1)).toBe(read('to', ['1-1', 'a']));
    scene.run('COPY', 'to', 'copy');
    expect(await scene.reply(2)).toBe(read('copy', ['1-1', 'a']));
    scene.end();
  });

  test('goes on after its time', async () => {
    const scene = new Scene();
    scene.block(1, 'XREAD', 'BLOCK', 5, 'STREAMS', 's', '$');
    await Bun.sleep(40);
    expect(await scene.reply(1)).toBe('*-1\r\n');
    scene.end();
  });

  test('whose group or consumer is called like an option reads the right keys', async () => {
    const scene = new Scene({ shardCount: 16 });
    scene.run('XGROUP', 'CREATE', 's', 'g', '0', 'MKSTREAM');
    scene.block(1, 'XREADGROUP', 'BLOCK', 0, 'GROUP', 'g', 'streams', 'STREAMS', 's', '>');
    scene.run('XADD', 's', '1-1', 'f', 'a');
    expect(await scene.reply(1)).toBe(read('s', ['1-1', 'a']));
    scene.end();
  });
});
