import assert from 'node:assert/strict';
import test from 'node:test';
import { compareLooks } from './watching.js';

const look = (label, ...bits) => ({ label, tokens: bits.map((value) => ['a', value]) });

test('a look says how far the surprise has moved from base', () => {
  const looks = [look('base', 8, 6), look('after OPPU', 5, 5), look('after DPO', 7, 7.02), look('worse', 9, 9)];
  assert.equal(compareLooks(looks, 0), '7.0 bits a token: so surprising is the sentence for base.');
  assert.equal(compareLooks(looks, 1), '5.0 bits a token, 2.0 less than at first.');
  assert.equal(compareLooks(looks, 2), '7.0 bits a token, as much as at first.');
  assert.equal(compareLooks(looks, 3), '9.0 bits a token, 2.0 more than at first.');
});
