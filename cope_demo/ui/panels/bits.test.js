import assert from 'node:assert/strict';
import test from 'node:test';
import { chance, level, mean, unusual, wordsOf } from './bits.js';

test('a bit is a halving of the chance', () => {
  assert.deepEqual([0, 3.9, 4, 8, 12, 20].map(level), [0, 0, 1, 2, 3, 3]);
  assert.equal(chance(3), 'a chance of 1 in 8');
  assert.equal(chance(0), 'all but certain');
  assert.equal(mean([['a', 2], ['b', 4]]), 3);
  assert.equal(mean([]), 0);
});

test('a word has the bits of all its tokens, and no marks around it', () => {
  assert.deepEqual(wordsOf([['Fer', 6], ['ry', 1], [',', 2], [' then', 3], ['\n\n', 1], ['so', 4], ['.', 1]]),
    [['Ferry', 9], ['then', 3], ['so', 5]]);
  assert.deepEqual(wordsOf([[' two words', 7]]), [['two', 0], ['words', 7]]);
  assert.deepEqual(wordsOf([['…', 7], [' ', 1]]), []);
});

test('what is unusual comes by its bits, each word once, and nothing that is expected', () => {
  const tokens = [['the', 1], [' ferry', 11], [' and', 2], [' ferry', 6], [' soup', 8], [' gutter', 9], [' goose', 7]];
  assert.deepEqual(unusual(tokens), [['ferry', 11], ['gutter', 9], ['soup', 8]]);
  assert.deepEqual(unusual([['the', 1]]), []);
});
