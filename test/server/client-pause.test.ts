/** Clients that are stopped, by whom ever. */
import { expect, test } from 'bun:test';
import { ClientPause } from '../../src/server/clients/clients.ts';

test('clients go on when all who have stopped them let them', () => {
  const state = { untilMs: 0, all: false };
  const pause = new ClientPause(state);
  pause.stop();
  pause.stop();
  pause.resume();
  expect(state).toEqual({ untilMs: Infinity, all: true });
  pause.resume();
  expect(state).toEqual({ untilMs: 0, all: false });
});
