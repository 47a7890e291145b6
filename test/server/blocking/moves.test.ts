/** Clients that wait to move elements: along chains of lists, in circles, to where nothing may be moved. */
import { describe, expect, test } from 'bun:test';
import { Bytes } from '../../../src/base/bytes.ts';
import { BlockingScene as Scene, bulk, pair } from '../../support/blocking-scene.ts';

const WRONG_TYPE = '-WRONGTYPE Operation against a key holding the wrong kind of value\r\n';

describe('a client that waits to move', () => {
  test('gets the element, which is in the other list by then', async () => {
    const scene = new Scene();
    scene.block(1, 'BLMOVE', 'a', 'b', 'LEFT', 'RIGHT', 0);
    scene.block(2, 'BLMOVE', 'a', 'b', 'RIGHT', 'LEFT', 0);
    scene.block(3, 'BRPOPLPUSH', 'a', 'c', 0);
    scene.run('RPUSH', 'a', 1, 2, 3, 4);
    expect(await scene.reply(1)).toBe(bulk('1'));
    expect(await scene.reply(2)).toBe(bulk('4'));
    expect(await scene.reply(3)).toBe(bulk('3'));
    expect(scene.run('LRANGE', 'a', 0, -1)).toBe(`*1\r\n${bulk('2')}`);
    expect(scene.run('LRANGE', 'b', 0, -1)).toBe(`*2\r\n${bulk('4', '1')}`);
    expect(scene.run('LRANGE', 'c', 0, -1)).toBe(`*1\r\n${bulk('3')}`);
    scene.end();
  });

  test('serves those who wait for where it moves to, on and on, whatever the shards', async () => {
    for (const shardCount of [1, 4, 16]) {
      const scene = new Scene({ shardCount, shardBytes: 2 << 20 });
      const names = Array.from({ length: 20 }, (_, index) => `list ${index}`);
      for (let i = 0; i < 19; i++) scene.block(i, 'BLMOVE', names[i]!, names[i + 1]!, 'LEFT', 'RIGHT', 0);
      scene.block(19, 'BLPOP', names[19]!, 0);
      scene.run('RPUSH', names[0]!, 'x');
      for (let i = 0; i < 19; i++) expect(await scene.reply(i)).toBe(bulk('x'));
      expect(await scene.reply(19)).toBe(pair(names[19]!, 'x'));
      expect(scene.run('DBSIZE')).toBe(':0\r\n');
      scene.end();
    }
  });

  test('in a circle comes to an end', async () => {
    const scene = new Scene();
    scene.block(1, 'BLMOVE', 'a', 'b', 'LEFT', 'LEFT', 0);
    scene.block(2, 'BLMOVE', 'b', 'a', 'LEFT', 'LEFT', 0);
    scene.run('RPUSH', 'a', 'x');
    expect(await scene.reply(1)).toBe(bulk('x'));
    expect(await scene.reply(2)).toBe(bulk('x'));
    expect(scene.run('LRANGE', 'a', 0, -1)).toBe(`*1\r\n${bulk('x')}`);
    expect(scene.run('EXISTS', 'b')).toBe(':0\r\n');
    scene.end();
  });

  test('within one list turns it, each client once', async () => {
    const scene = new Scene();
    for (let number = 1; number <= 3; number++) scene.block(number, 'BLMOVE', 'a', 'a', 'LEFT', 'RIGHT', 0);
    scene.block(4, 'BLPOP', 'a', 0);
    scene.run('RPUSH', 'a', 'x', 'y');
    expect(await scene.reply(1)).toBe(bulk('x'));
    expect(await scene.reply(2)).toBe(bulk('y'));
    expect(await scene.reply(3)).toBe(bulk('x'));
    expect(await scene.reply(4)).toBe(pair('a', 'y'));
    expect(scene.run('LRANGE', 'a', 0, -1)).toBe(`*1\r\n${bulk('x')}`);
    scene.end();
  });

  test('to what is no list gets an error, and the element stays for the next', async () => {
    const scene = new Scene();
    scene.block(1, 'BLMOVE', 'a', 'b', 'LEFT', 'LEFT', 0);
    scene.block(2, 'BLMOVEM', 'a', 'b', 'LEFT', 'LEFT', 0);
    scene.block(3, 'BLPOP', 'a', 0);
    scene.run('SET', 'b', 'text');
    scene.run('RPUSH', 'a', 'x', 'y');
    expect(await scene.reply(1)).toBe(WRONG_TYPE);
    expect(await scene.reply(2)).toBe(WRONG_TYPE);
    expect(await scene.reply(3)).toBe(pair('a', 'x'));
    expect(scene.run('LRANGE', 'a', 0, -1)).toBe(`*1\r\n${bulk('y')}`);
    expect(scene.run('INFO', 'errorstats')).toContain('errorstat_WRONGTYPE:count=2\r\n');
    scene.end();
  });

  test('is served by commands of several keys and by those that know their keys only when they run', async () => {
    const scene = new Scene();
    scene.run('SELECT', 1);
    scene.run('RPUSH', 'far', 'x');
    scene.run('SELECT', 0);
    scene.run('RPUSH', 'from', 'x');
    for (const way of [
      ['LMOVE', 'from', 'a', 'LEFT', 'LEFT'],
      ['RENAME', 'from', 'a'],
      ['COPY', 'from', 'a'],
      ['SORT', 'from', 'ALPHA', 'STORE', 'a'],
      ['SWAPDB', 0, 2],
    ]) {
      scene.run('DEL', 'from', 'b');
      scene.run('RPUSH', 'from', 'x');
      scene.client(2).run('SELECT', 2);
      scene.client(2).run('DEL', 'a');
      scene.client(2).run('RPUSH', 'a', 'x');
      scene.block(1, 'BLMOVE', 'a', 'b', 'LEFT', 'LEFT', 0);
      expect(scene.run(...way)).not.toStartWith('-');
      expect(await scene.reply(1)).toBe(bulk('x'));
      expect(scene.run('LRANGE', 'b', 0, -1)).toBe(`*1\r\n${bulk('x')}`);
    }
    scene.end();
  });

  test('several elements gets as many as there are, or exactly so many as soon as there are', async () => {
    const scene = new Scene();
    scene.block(1, 'BLMOVEM', 'a', 'b', 'LEFT', 'RIGHT', 0, 'EXACTLY', 3, 'BULK');
    scene.run('RPUSH', 'a', 1, 2);
    expect(await scene.reply(1)).toBe('');
    scene.block(2, 'BLMOVEM', 'a', 'c', 'LEFT', 'LEFT', 0, 'EXACTLY', 4, 'OBO');
    scene.run('RPUSH', 'a', 3, 4);
    expect(await scene.reply(1)).toBe(`*3\r\n${bulk('1', '2', '3')}`);
    scene.run('RPUSH', 'a', 5, 6, 7, 8);
    expect(await scene.reply(2)).toBe(`*4\r\n${bulk('7', '6', '5', '4')}`);
    scene.run('DEL', 'a');
    scene.block(3, 'BLMOVEM', 'a', 'd', 'LEFT', 'RIGHT', 0, 'COUNT', 5, 'BULK');
    scene.run('RPUSH', 'a', 1, 2);
    expect(await scene.reply(3)).toBe(`*2\r\n${bulk('1', '2')}`);
    scene.block(4, 'BLMOVEM', 'a', 'd', 'LEFT', 'RIGHT', 0);
    scene.run('RPUSH', 'a', 1, 2);
    expect(await scene.reply(4)).toBe(`*1\r\n${bulk('1')}`);
    scene.end();
  });

  test('who waits for more than there is does not hold up those behind it', async () => {
    const scene = new Scene();
    scene.block(1, 'BLMOVEM', 'a', 'b', 'LEFT', 'RIGHT', 0, 'EXACTLY', 3, 'BULK');
    scene.block(2, 'BLPOP', 'a', 0);
    scene.run('RPUSH', 'a', 1, 2);
    expect(await scene.reply(2)).toBe(pair('a', '1'));
    scene.run('RPUSH', 'a', 3, 4);
    expect(await scene.reply(1)).toBe(`*3\r\n${bulk('2', '3', '4')}`);
    scene.end();
  });

  test('is told when there is no memory for it, and the element stays', async () => {
    const scene = new Scene({ shardCount: 2, shardBytes: 1 << 20 });
    const inShard = (name: string, index: number): boolean =>
      scene.server.engine.keyspace.hash(Bytes.fromText(name), 0, name.length, 0) % 2 === index;
    const names = Array.from({ length: 2000 }, (_, index) => `key ${index}`);
    const from = names.find((name) => inShard(name, 0))!;
    const [to, ...others] = names.filter((name) => inShard(name, 1));
    scene.block(1, 'BLMOVE', from, to!, 'LEFT', 'LEFT', 0);
    scene.block(2, 'BLPOP', from, 0);
    const isFull = others.some((name) => scene.run('SET', name, Buffer.alloc(1000, 'x')).startsWith('-OOM'));
    expect(isFull).toBe(true);
    scene.run('RPUSH', from, Buffer.alloc(2000, 'y'));
    expect(await scene.reply(1)).toStartWith('-OOM');
    expect(await scene.reply(2)).toBe(pair(from, 'y'.repeat(2000)));
    scene.end();
  });
});
