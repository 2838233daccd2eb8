import assert from 'node:assert/strict';
import { test } from 'node:test';

import { divergences, neighbour, positionIn } from './differences.js';
import { modelOf, row } from './test_helpers.js';

const STEP = [[' seam', 0.5, 0.6], [' hem', 0.3, 0.05]];
const column = (method, written) => written.map((at, index) => row(method, index, STEP, { written: at }));
const listed = (model) => divergences(model).map(({ method, index, what }) => `${method} ${index}: ${what}`);

test('a column parts once from the one on its left, and every overruled token counts', () => {
  const model = modelOf([...column('greedy', [0, 0, 0]), ...column('oppu', [0, 1, 0]), ...column('cope', [0, 1, 1])]);
  assert.deepEqual(listed(model), [
    'oppu 1: OPPU parts from Base, greedy', 'cope 1: contrast overruled the favourite', 'cope 2: CoPe parts from OPPU',
  ]);
});

test('a further column is compared with the one that it varies, where that is shown', () => {
  const columns = [...column('greedy', [0]), ...column('oppu', [0]), ...column('cope', [1]), ...column('rag', [0]), ...column('oppu+dpo', [1])];
  assert.deepEqual(listed(modelOf(columns)), ['cope 0: CoPe parts from OPPU', 'oppu+dpo 0: CoPe without contrast parts from OPPU']);
  assert.deepEqual(listed(modelOf([...column('cope', [0]), ...column('rag', [1])])), ['rag 0: RAG parts from CoPe']);
});

test('a longer column parts where the other has ended', () => {
  assert.deepEqual(listed(modelOf([...column('greedy', [0]), ...column('oppu', [0, 0])])), ['oppu 1: OPPU parts from Base, greedy']);
  assert.deepEqual(listed(modelOf(column('oppu', [0]), { methods: ['greedy', 'oppu'] })), [], 'from an empty column nothing parts');
});

test('given texts do not diverge', () => {
  assert.deepEqual(divergences(modelOf([...column('a', [0]), ...column('b', [1])])), []);
});

const LIST = [{ method: 'oppu', index: 1 }, { method: 'cope', index: 1 }, { method: 'cope', index: 4 }].map((one) => ({ ...one, what: '' }));
const ORDER = ['greedy', 'oppu', 'cope'];

test('a token stands at an entry or between two', () => {
  const at = (method, index) => positionIn(LIST, { method, index }, ORDER);
  assert.deepEqual([at('greedy', 1), at('oppu', 1), at('cope', 1), at('greedy', 2), at('cope', 4), at('cope', 9)], [-0.5, 0, 1, 1.5, 2, 2.5]);
  assert.equal(positionIn(LIST, null, ORDER), -0.5);
});

test('the list goes round in both directions', () => {
  const next = (position, by) => LIST.indexOf(neighbour(LIST, position, by));
  assert.deepEqual([next(-0.5, 1), next(0, 1), next(1.5, 1), next(2, 1), next(2.5, 1)], [0, 1, 2, 0, 0]);
  assert.deepEqual([next(-0.5, -1), next(0, -1), next(1.5, -1), next(2.5, -1)], [2, 2, 1, 2]);
  assert.equal(neighbour([], -0.5, 1), undefined);
});
