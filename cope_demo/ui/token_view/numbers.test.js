import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bits, clip, isEnd, ordinal, percent, quote, rank, screenReaderText, showInvisible, tokenName } from './numbers.js';

test('percentages are written with the digits that they bear', () => {
  assert.deepEqual([1, 0.9996, 0.5, 0.0523, 0.0004, 0.00005].map((p) => percent(Math.log(p))),
    ['100\u202f%', '100\u202f%', '50\u202f%', '5.2\u202f%', '0.04\u202f%', '<\u202f0.01\u202f%']);
});

test('ordinals', () => assert.deepEqual([1, 2, 3, 4, 11, 12, 21, 112].map(ordinal), ['1st', '2nd', '3rd', '4th', '11th', '12th', '21st', '112th']));

test('bits per token', () => assert.ok(Math.abs(bits([0.5, 0.125].map(Math.log)) - 2) < 1e-12));

test('a rank is exact where what was not sent is less than the token', () => {
  const token = (p, others) => ({ id: 1, logp_base: Math.log(p), alternatives: [[1, p], ...others].map(([id, q]) => ({ id, logp_base: Math.log(q) })) });
  assert.deepEqual(rank(token(0.3, [[2, 0.5], [3, 0.1]]), 'logp_base'), { at: 2, exact: true });
  assert.deepEqual(rank(token(0.1, [[2, 0.5], [3, 0.2]]), 'logp_base'), { at: 3, exact: false });
  assert.equal(rank(token(0.05, [[2, 0.01]]), 'logp_base').exact, true, 'the first that was sent is the first');
});

test('what cannot be seen is shown', () => {
  assert.equal(showInvisible(' a\n\t\u202eb'), '\u2423a\u21b5\u21e5\u27e8U+202E\u27e9b');
  assert.equal(showInvisible('\ud800'), '\u27e8U+D800\u27e9');
  assert.equal(showInvisible('\u200d'), '\u200d', 'joins the parts of an emoji');
  assert.equal(showInvisible(''), '(part of a character)');
});

test('a sentence quotes a token without its first space, and cuts a long one', () => {
  assert.equal(quote(' word'), '\u2018word\u2019');
  assert.equal(quote(' '), '\u2018\u2423\u2019');
  assert.equal(clip('x'.repeat(41)), `${'x'.repeat(40)}\u2026`);
});

test('the end token has a name among the alternatives, a part of a character has none', () => {
  const end = { id: 2, text: '', alternatives: [{ id: 2, text: '<|im_end|>' }] };
  assert.ok(isEnd(end) && !isEnd({ ...end, alternatives: [{ id: 2, text: '\ufffd' }] }) && !isEnd({ ...end, alternatives: [] }));
  assert.equal(tokenName(end), 'the end of the text');
});

test('a screen reader hears a word for a space', () => {
  assert.deepEqual([' hem', '\n', '\n\n', '  ', ''].map(screenReaderText), ['hem', 'new line', 'new line', 'space', 'part of a character']);
});
