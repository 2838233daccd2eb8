import assert from 'node:assert/strict';
import { test } from 'node:test';

import { columnsPerRow, expectedLines } from './columns.js';

test('columns stand in rows as even as can be, of four at most', () => {
  assert.deepEqual([0, 1, 3, 4, 5, 6, 7, 8, 9].map(columnsPerRow), [1, 1, 3, 4, 3, 3, 4, 4, 3]);
});

test('a narrow window keeps room for a text, within reason', () => {
  assert.deepEqual([undefined, 10, 80, 300].map(expectedLines), [4, 4, 10, 14]);
});
