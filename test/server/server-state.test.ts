/** States of the whole server in which commands are refused, on both protocols. */
import { expect, test } from 'bun:test';
import { Control } from '../../src/memory/control.ts';
import { Save } from '../../src/memory/save-board.ts';
import { TestServer } from '../support/test-server.ts';

const LOADING = '-LOADING Redis is loading the dataset in memory\r\n';

test('while the data are loaded, clients may ask for little', () => {
  const server = new TestServer();
  const memcached = server.connectMemcached();
  const { control, state } = server.engine;
  const setLoading = (isLoading: boolean): void => {
    Atomics.store(control.words, Control.Loading, isLoading ? 1 : 0);
    state.renew();
  };
  server.run('SET', 'key', 'value');
  setLoading(true);
  for (const words of [
    ['GET', 'key'],
    ['SET', 'key', 'x'],
    ['DBSIZE'],
    ['FLUSHALL'],
    ['SAVE'],
    ['KEYS', '*'],
  ]) {
    expect(server.run(...words)).toBe(LOADING);
  }
  expect(server.run('INFO', 'persistence')).toContain('loading:1\r\n');
  expect(server.run('INFO', 'persistence')).toContain('loading_eta_seconds');
  for (const words of [['SELECT', 0], ['CLIENT', 'ID'], ['CONFIG', 'GET', 'save'], ['LASTSAVE'], ['HELLO']]) {
    expect(server.run(...words)).not.toStartWith('-');
  }
  // Redis: PING is not among what may be asked for.
  expect(server.run('PING')).toBe(LOADING);
  expect(memcached.send('get key\r\n')).toBe('SERVER_ERROR loading the data\r\n');
  expect(memcached.send('set key 0 0 3\r\nabc\r\n')).toBe('SERVER_ERROR loading the data\r\n');
  expect(memcached.send('version\r\n')).toStartWith('VERSION');
  expect(server.run('MULTI')).toBe('+OK\r\n');
  expect(server.run('GET', 'key')).toBe(LOADING);
  setLoading(false);
  expect(server.run('EXEC')).toStartWith('-EXECABORT');
  expect(server.run('GET', 'key')).toBe('$5\r\nvalue\r\n');
  expect(memcached.send('get key\r\n')).toBe('VALUE key 0 5\r\nvalue\r\nEND\r\n');
});

test('while the data cannot be saved, nobody may change them', () => {
  const server = new TestServer({ settings: { save: '3600 1' } });
  const memcached = server.connectMemcached();
  const { board, state, config } = server.engine;
  server.run('SET', 'key', 'value');
  board.set(Save.HasFailed, 1);
  state.renew();
  expect(server.run('SET', 'key', 'x')).toStartWith('-MISCONF Redis is configured to save RDB snapshots');
  expect(server.run('PING')).toStartWith('-MISCONF');
  expect(server.run('GET', 'key')).toBe('$5\r\nvalue\r\n');
  expect(server.run('EVAL', "return redis.call('SET', 'key', 'x')", 0)).toContain('MISCONF');
  expect(server.run('EVAL', "return redis.call('GET', 'key')", 0)).toBe('$5\r\nvalue\r\n');
  const refused = 'SERVER_ERROR writes are refused while the data cannot be saved\r\n';
  expect(memcached.send('set key 0 0 3\r\nabc\r\nget key\r\n')).toBe(
    `${refused}VALUE key 0 5\r\nvalue\r\nEND\r\n`,
  );
  expect(memcached.send('delete key\r\n')).toBe(refused);
  server.run('MULTI');
  expect(server.run('DEL', 'key')).toStartWith('-MISCONF');
  expect(server.run('EXEC')).toStartWith('-EXECABORT');
  // Without save points nobody wants snapshots.
  config.assign({ save: '' });
  state.renew();
  expect(server.run('SET', 'key', 'x')).toBe('+OK\r\n');
  config.assign({ save: '3600 1' });
  state.renew();
  state.appendError = 'No space left on device';
  board.set(Save.HasFailed, 0);
  state.renew();
  expect(server.run('SET', 'key', 'y')).toBe(
    '-MISCONF Errors writing to the AOF file: No space left on device\r\n',
  );
  state.appendError = '';
  state.renew();
  expect(server.run('SET', 'key', 'y')).toBe('+OK\r\n');
});
