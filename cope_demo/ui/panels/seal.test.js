import assert from 'node:assert/strict';
import test from 'node:test';
import { shuffle } from './blind_test.js';
import { seal, unseal } from './seal.js';

test('a sealed solution comes back, and neither it nor its length tells it', () => {
  const orders = [['own', 'base', 'cope'], ['cope', 'own', 'base']];
  for (const order of orders) assert.deepEqual(unseal(seal(order)), order);
  const [one, two] = [seal(orders[0]), seal(orders[0])];
  assert.notEqual(one, two);
  assert.ok(!atob(one).includes('own') && !one.includes('own'));
  assert.equal(one.length, seal(orders[1]).length);
  assert.equal(unseal('nonsense!'), null);
});

test('every order of the three comes up', () => {
  const found = new Set(Array.from({ length: 200 }, () => shuffle(['own', 'base', 'cope']).join()));
  assert.equal(found.size, 6);
  assert.deepEqual(shuffle([1, 2, 3], () => 0), [2, 3, 1]);
});
