import assert from 'node:assert/strict';
import { test } from 'node:test';

import { columnsPerRow } from './columns.js';

test('columns stand in rows as even as can be, of four at most', () => {
  assert.deepEqual([0, 1, 3, 4, 5, 6, 7, 8, 9].map(columnsPerRow), [1, 1, 3, 4, 3, 3, 4, 4, 3]);
});
