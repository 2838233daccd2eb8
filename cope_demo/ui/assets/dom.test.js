import assert from 'node:assert/strict';
import { test } from 'node:test';

import { plural, seconds, signed } from './dom.js';

test('numbers have a sign, but for what is written as nought', () => {
  assert.deepEqual([signed(1.25), signed(-1.25, 2), signed(-0.04), signed(0.04, 2)], ['+1.3', '\u22121.25', '0.0', '+0.04']);
});

test('one and many', () => assert.deepEqual([plural(1, 'token', 'tokens'), plural(0, 'token', 'tokens')], ['1\u00a0token', '0\u00a0tokens']));

test('durations', () => {
  assert.deepEqual([0.4, 1.4, 1.5, 89.4, 90, 200].map(seconds), ['a second', 'a second', '2\u00a0seconds', '89\u00a0seconds', '2\u00a0minutes', '3\u00a0minutes']);
});
