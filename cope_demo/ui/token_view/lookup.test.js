import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findSent } from './lookup.js';
import { modelOf, row } from './test_helpers.js';

const STEP = modelOf([row('cope', 0, [[' seam', 0.5, 0.6], ['seam', 0.3, 0.2], [' hem', 0.1, 0.1]])]).columns.cope.tokens[0];

test('a word is found as it is and after a space, with both places', () => {
  const [one, two] = findSent(STEP, 'seam');
  assert.deepEqual([one.text, two.text], [' seam', 'seam']);
  assert.deepEqual(one.places, ['1st', '1st']);
  assert.deepEqual(two.places, ['2nd', '2nd']);
  assert.deepEqual(findSent(STEP, ' hem').map((other) => other.text), [' hem']);
});

test('what was not sent is not found', () => {
  assert.deepEqual(findSent(STEP, 'sea'), []);
});
