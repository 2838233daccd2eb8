import assert from 'node:assert/strict';
import { test } from 'node:test';

import { explainVariant, findMethod, possessive } from './methods.js';

const TABLE = { rag: { label: 'RAG', about: 'Similar texts.', driver: 'base', varies: 'greedy', optional: true } };

test('a method is its row of the table', () => {
  assert.equal(findMethod(TABLE, 'rag'), TABLE.rag);
});

test('a name that has no row stands for itself', () => {
  for (const name of ['magic', 'constructor', '__proto__']) {
    assert.deepEqual(findMethod(TABLE, name), { label: name, about: '', driver: 'user', varies: '', optional: false });
    assert.equal(findMethod(undefined, name).label, name);
  }
});

test('a visitor is addressed, and somebody else is named', () => {
  assert.equal(possessive('you'), 'your');
  assert.equal(possessive('Ada'), 'Ada’s');
});

test('a further run says what it varies', () => {
  assert.equal(explainVariant('CoPe', { alpha: 0, tau: 0.1 }), 'CoPe once more, run with alpha 0 and tau 0.1.');
});
