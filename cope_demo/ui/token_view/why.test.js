import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DECODING, modelOf, row } from './test_helpers.js';
import { topBy, why } from './why.js';

const explain = (method, options, more = {}, start = {}) => why(modelOf([row(method, 0, options, more)], start), method, 0).replaceAll('\u202f', ' ').replaceAll('\u00a0', ' ');
const STEP = [[' seam', 0.5, 0.6], [' hem', 0.3, 0.05], [' rag', 0.01, 0.001]];

test('contrast chose over the favourite', () => {
  assert.equal(explain('cope', STEP, { written: 1 }),
    '‘hem’ was 2nd for Ada at 30 %, but only 5.0 % for base, so contrast chose it over ‘seam’ (50 %, 60 % for base).');
});

test('contrast confirmed, for each reason that there is', () => {
  const only = explain('cope', [[' seam', 0.9, 0.5], [' hem', 0.001, 0.3]]);
  assert.equal(only, '‘seam’ was the only plausible token: 90 % for Ada, and nothing else reached 10 % of that, so contrast had no say.');
  assert.ok(explain('cope', STEP, { alpha: 0 }, { alpha: 0 }).endsWith('at alpha 0 nothing is subtracted, so the favourite wins.'));
  assert.ok(explain('cope', [[' seam', 0.5, 0.4], [' hem', 0.1, 0.3]]).endsWith('no other plausible token gained enough from contrast.'));
  assert.ok(explain('cope', [[' seam', 0.5, 0.2], [' hem', 0.1, 0.3]]).endsWith('has only 20 % for base, so contrast confirmed it.'));
  assert.ok(explain('cope', [[' seam', 0.3, 0.4], [' hem', 0.1, 0.5]]).endsWith('although it is commoner for base (40 %).'));
});

test('the repetition penalty decided where another would have won without it', () => {
  const told = explain('cope', [[' seam', 0.6, 0.2, 2], [' hem', 0.3, 0.2]], { written: 1 }, { repetition_penalty: 1.2 });
  assert.equal(told, 'The repetition penalty decided: without it ‘seam’, which had been used before, would have won (60 % for Ada, 20 % for base); so it was ‘hem’ with 30 % for Ada and 20 % for base.');
});

test('after a penalty, contrast may still overrule the favourite', () => {
  const told = explain('cope', [[' seam', 0.5, 0.9, 0.1], [' hem', 0.4, 0.05]], { written: 1 }, { repetition_penalty: 1.2 });
  assert.ok(told.startsWith('‘hem’ was behind ‘seam’ for Ada after the repetition penalty, 40 % against 45 %'), told);
});

test('base decided', () => {
  assert.equal(explain('greedy', STEP), '‘seam’ was the likeliest for base at 60 %; for Ada it has 50 %, the favourite there as well.');
  assert.equal(explain('greedy', [[' the', 0.2, 0.6], [' hem', 0.7, 0.1]]), '‘the’ was the likeliest for base at 60 %; for Ada it has 20 %, where ‘hem’ is the favourite.');
  assert.ok(explain('greedy', STEP, { written: 1 }).startsWith('‘seam’ was likelier for base at 60 %, but the repetition penalty set it back, so base took ‘hem’'));
  assert.ok(explain('rag', STEP, {}, { prompts: { rag: 'texts' } }).includes('the likeliest for base with these texts in its prompt'));
});

test('the person decided', () => {
  assert.equal(explain('oppu', STEP), '‘seam’ was the likeliest for Ada at 50 %; for base it has 60 %, and base had no say.');
  assert.ok(explain('oppu', STEP, { written: 1 }).endsWith('so ‘hem’ at 30 % was taken.'));
});

test('the lot fell', () => {
  const hot = { decoding: { ...DECODING, temperature: 0.8 } };
  assert.equal(explain('cope', STEP, { written: 1 }, hot), 'The lot fell on ‘hem’, the best of 2 plausible tokens: 30 % for Ada, 5.0 % for base.');
  assert.ok(explain('cope', STEP, {}, hot).endsWith('out of 2 plausible tokens; ‘hem’ would have been the best.'));
});

test('a given text speaks for the person, against, or neither', () => {
  const verdict = (user, base) => explain('score', [[' seam', user, base], [' hem', 0.1, 0.1]]).split(', ').pop();
  assert.deepEqual([verdict(0.5, 0.1), verdict(0.1, 0.5), verdict(0.5, 0.45)],
    ['which speaks for Ada.', 'which speaks against Ada.', 'which says little either way.']);
});

test('a token that the visitor chose is theirs', () => {
  const model = modelOf([row('cope', 0, STEP)]);
  model.requestContinuation('cope', 0, 2, { alpha: 0.5, tau: 0.1 }, true);
  model.fork({ method: 'cope', at: 0 });
  model.add([row('cope', 0, STEP, { written: 2 })]);
  assert.ok(why(model, 'cope', 0).startsWith('You put ‘rag’ here in place of ‘seam’: '));
});

test('without alternatives there are only the numbers', () => {
  const made = row('cope', 0, STEP);
  made[9] = [];
  assert.equal(why(modelOf([made]), 'cope', 0).replaceAll('\u202f', ' '), '‘seam’: 50 % for Ada, 60 % for base.');
});

test('the alternatives liked most come first', () => {
  const [token] = modelOf([row('cope', 0, STEP)]).columns.cope.tokens;
  assert.deepEqual(topBy(token, 'logp_base', 2).map((other) => other.text), [' seam', ' hem']);
  assert.deepEqual(topBy({ alternatives: [...token.alternatives].reverse() }, 'logp_user').map((other) => other.text), [' seam', ' hem', ' rag']);
});

test('where another person is the amateur, the sentence names them', () => {
  const model = modelOf([row('against', 0, STEP, { written: 1 })], { against: 'bob', other: 'Bob' });
  const told = why(model, 'against', 0).replaceAll('\u202f', ' ');
  assert.equal(told, '‘hem’ was 2nd for Ada at 30 %, but only 5.0 % for Bob, so contrast chose it over ‘seam’ (50 %, 60 % for Bob).');
  assert.equal(model.amateur('against'), 'Bob');
  assert.equal(model.amateur('cope'), 'base');
});
