import assert from 'node:assert/strict';
import { test } from 'node:test';

import { modelOf, row } from './test_helpers.js';
import { whatIfMethod, whatIfResult } from './whatif.js';

const STEP = [[' seam', 0.5, 0.6], [' hem', 0.3, 0.05]];
const rows = ['greedy', 'oppu', 'cope', 'oppu+cd'].map((method) => row(method, 0, STEP, { written: 1 }));

test('it is about the selected column, or else the first that contrast wrote', () => {
  const model = modelOf(rows);
  assert.equal(whatIfMethod(model), 'cope');
  model.select('oppu+cd', 0);
  assert.equal(whatIfMethod(model), 'oppu+cd');
  model.select('greedy', 0);
  assert.equal(whatIfMethod(model), 'cope');
  assert.equal(whatIfMethod(modelOf(rows.slice(0, 2))), undefined);
});

test('at the run’s own settings nothing was moved', () => {
  assert.deepEqual(whatIfResult(modelOf(rows), 'cope'), { own: true, changes: [] });
});

test('moved settings may change a token or none', () => {
  const model = modelOf(rows);
  model.setWhatIf(0.45, 0.1);
  assert.deepEqual(whatIfResult(model, 'cope'), { own: false, changes: [] });
  model.setWhatIf(0.5, 0.7);
  const { own, changes } = whatIfResult(model, 'cope');
  assert.deepEqual([own, changes.map(({ index, winner }) => [index, winner.text])], [false, [[0, ' seam']]]);
});
