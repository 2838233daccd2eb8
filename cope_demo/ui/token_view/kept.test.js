import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Kept } from './kept.js';

const storageWith = (text = null) => {
  const items = new Map(text === null ? [] : [['cope-comparison', text]]);
  return { items, getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key) };
};
const OPENING = { t: 'idle', user: 'ada', opening: true };
const START = { t: 'start', run: 'run1' };
const KEPT = JSON.stringify({ person: 'ada', rows: [START, { t: 'done' }] }); // as browsers hold it already
const keeper = (storage, run = { id: 'run1' }) => new Kept(/** @type {any} */ ({ run }), storage);

test('a comparison is read again when the page opens with the same person', () => {
  assert.deepEqual(keeper(storageWith(KEPT)).restore(OPENING), [START, { t: 'done' }]);
});

test('it is not shown for another person, nor where it cannot be read', () => {
  assert.deepEqual(keeper(storageWith(KEPT)).restore({ ...OPENING, user: 'bo' }), []);
  for (const text of [null, 'null', '{', '{"rows"']) assert.deepEqual(keeper(storageWith(text)).restore(OPENING), []);
});

test('it is deleted once somebody else is chosen, but not before the page has opened', () => {
  const storage = storageWith(KEPT);
  const kept = keeper(storage);
  kept.restore({ t: 'idle', user: 'ada' });
  assert.equal(storage.items.size, 1);
  kept.restore(OPENING);
  kept.restore({ t: 'idle', user: 'bo' });
  assert.equal(storage.items.size, 0);
});

test('what is saved begins with the latest comparison, without waiting', () => {
  const storage = storageWith();
  const kept = keeper(storage);
  kept.restore(OPENING);
  for (const message of [START, { t: 'done' }, { ...START, run: 'run2' }, { t: 'wait' }, { t: 'tokens' }]) kept.record(message);
  kept.save();
  assert.deepEqual(JSON.parse(storage.items.get('cope-comparison')), { person: 'ada', rows: [{ ...START, run: 'run2' }, { t: 'tokens' }] });
  assert.deepEqual(keeper(storage).restore(OPENING).length, 2);
});

test('nothing is saved where nobody was chosen, nothing has run, or the storage is full', () => {
  const storage = storageWith();
  keeper(storage).save();
  const empty = keeper(storage, null);
  empty.restore(OPENING);
  empty.save();
  assert.equal(storage.items.size, 0);
  const full = keeper({ ...storage, setItem() { throw new Error('full'); } });
  full.restore(OPENING);
  full.save();
});
