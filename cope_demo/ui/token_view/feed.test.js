import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Model } from './model.js';
import { DECODING, HEADER, row, TABLE } from './test_helpers.js';

Object.assign(globalThis, { addEventListener: () => {}, setInterval: () => 0 }); // of a page, which is not here
const { Feed } = await import('./feed.js');

const METHODS = ['greedy', 'cope'];
const text = (...messages) => messages.map((message) => `${JSON.stringify(message)}\n`).join('');
const OPENING = text({ t: 'idle', who: 'Ada', methods: METHODS, table: TABLE, user: 'ada', opening: true });
const STARTED = text({ t: 'start', run: 'run1', who: 'Ada', methods: METHODS, decoding: DECODING, table: TABLE, ...HEADER },
  { t: 'tokens', seq: 0, rows: [row('cope', 0, [[' a', 0.6, 0.4], [' b', 0.4, 0.6]])] });
const feed = () => new Feed(new Model(), {}, () => {});

test('what somebody began before the page had opened stays', () => {
  const early = feed();
  early.read(STARTED);
  early.read(OPENING);
  assert.equal(early.model.run.id, 'run1');
  assert.equal(early.model.columns.cope.tokens.length, 1);
  early.read(text({ t: 'idle', who: 'Bo', methods: METHODS, table: TABLE, user: 'bo' })); // somebody else was chosen
  assert.equal(early.model.run.who, 'Bo');
});

test('what was asked for and has not come yet is still awaited', () => {
  const early = feed();
  early.begin('Asking the model\u2026');
  early.read(OPENING);
  assert.ok(early.going);
  early.read(STARTED);
  assert.equal(early.model.columns.cope.tokens.length, 1);
});

test('a later opening, as of a link to adapters, empties the view', () => {
  const later = feed();
  later.read(OPENING);
  later.read(STARTED);
  later.read(OPENING.replace('Ada', 'Cy'));
  assert.equal(later.model.run.who, 'Cy');
});
