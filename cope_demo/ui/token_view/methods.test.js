import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DEFAULT_METHODS, MAIN_METHOD, comparedWith, explainMethod, isContrast, isDecidedByBase, isGivenText, methodName } from './methods.js';

test('each method is decided by one', () => {
  const kinds = (method) => [isDecidedByBase(method), isContrast(method), isGivenText(method)];
  assert.deepEqual(kinds('rag'), [true, false, false]);
  assert.deepEqual(kinds('oppu+cd'), [false, true, false]);
  assert.deepEqual(kinds('oppu+dpo'), [false, false, false]);
  assert.deepEqual(kinds('a'), [false, false, true]);
});

test('the person is named in an explanation, whatever the name', () => {
  assert.ok(explainMethod('oppu', 'you').includes('after training on your texts'));
  assert.ok(explainMethod('oppu', '$& {who}').includes('on $& {who}’s texts'));
  assert.ok(explainMethod('cope', 'Ada').startsWith('Of the words plausible for Ada, the one Ada would choose'));
});

test('a name that is no method stands for itself', () => {
  for (const name of ['magic', 'constructor', '__proto__']) {
    assert.equal(methodName(name), name);
    assert.equal(explainMethod(name, 'Ada'), '');
    assert.equal(comparedWith(name), undefined);
    assert.ok(!isContrast(name) && !isDecidedByBase(name) && !isGivenText(name));
  }
});

test('the main method is one of the columns that are always there', () => {
  assert.ok(DEFAULT_METHODS.includes(MAIN_METHOD) && isContrast(MAIN_METHOD));
});
