import assert from 'node:assert/strict';
import { test } from 'node:test';

import { MEASURES, stepClass } from './scale.js';

const steps = (name, values, range = 1) => values.map((value) => MEASURES[name].step(value, range));

test('a difference has seven steps around 0, and a limit belongs to the stronger one', () => {
  assert.deepEqual(steps('difference', [-3, -2.5, -1, -0.25, -0.24, 0, 0.24, 0.25, 1, 2.5]), [-3, -3, -2, -1, 0, 0, 0, 1, 2, 3]);
});

test('a reward has finer steps above 0 than below', () => {
  assert.deepEqual(steps('reward', [-4, -2, -0.5, -0.4, 0.05, 0.25, 0.75]), [-3, -2, -1, 0, 1, 2, 3]);
});

test('the range stretches the limits', () => {
  assert.deepEqual(steps('difference', [0.25, 0.5, 2, 5], 2), [0, 1, 2, 3]);
  assert.deepEqual(MEASURES.difference.limits(2).map(([, words]) => words),
    ['below \u22125', '\u22125 to \u22122', '\u22122 to \u22120.5', 'near 0', '+0.5 to +2', '+2 to +5', 'above +5']);
});

test('a probability is darker where it is rarer, in the colour of its model', () => {
  const logs = [0.6, 0.4, 0.05, 0.005].map(Math.log);
  assert.deepEqual(steps('logp_user', logs), [0, 1, 2, 3]);
  assert.deepEqual(steps('logp_base', logs).map((s) => s + 0), [0, -1, -2, -3]);
  assert.deepEqual(steps('logp_user', logs, 2), [0, 0, 1, 2], 'twice the logarithm is the square of the probability');
  assert.deepEqual(MEASURES.logp_user.limits(1).map(([, words]) => words),
    ['over 50\u202f%', '10\u202f% to 50\u202f%', '1.0\u202f% to 10\u202f%', 'under 1.0\u202f%']);
});

test('counts take fixed steps', () => {
  assert.deepEqual(steps('head', [1, 2, 4, 5, 14, 15]), [0, 1, 1, 2, 2, 3]);
  assert.deepEqual(steps('rank', [1, 2, 4, 7]).map((s) => s + 0), [0, -1, -2, -3]);
});

test('every limit names a step that the measure takes', () => {
  for (const { limits } of Object.values(MEASURES)) {
    for (const [step, words] of limits(1)) assert.ok(Math.abs(step) <= 3 && words);
  }
});

test('steps have classes', () => assert.deepEqual([-2, 0, 3].map(stepClass), ['rn2', 'r0', 'rp3']));
