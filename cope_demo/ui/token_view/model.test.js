import assert from 'node:assert/strict';
import { test } from 'node:test';

import { DECODING, HEADER, modelOf, row } from './test_helpers.js';

const STEP = [[' seam', 0.5, 0.6], [' hem', 0.3, 0.05], [' rag', 0.01, 0.001]];

test('the expert’s number is found again from the score of each kind of method', () => {
  const step = [[' a', 0.5, 0.2, 1], [' b', 0.3, 0.4]];
  const experts = (method) => modelOf([row(method, 0, step)]).columns[method].tokens[0].alternatives.map((other) => other.expert.toFixed(3));
  const [own, penalized] = [Math.log(0.5), Math.log(0.5) - 1].map((x) => x.toFixed(3));
  assert.equal(experts('cope')[0], penalized);
  assert.equal(experts('oppu+cd')[0], penalized);
  assert.equal(experts('oppu')[0], penalized);
  assert.equal(experts('greedy')[0], own, 'base decided, so the score does not tell it');
  assert.equal(experts('score')[0], own);
});

test('rewards are at the run’s alpha', () => {
  const [token] = modelOf([row('cope', 0, STEP)]).columns.cope.tokens;
  assert.ok(Math.abs(token.reward - (Math.log(0.5) - 0.5 * Math.log(0.6))) < 1e-12);
});

test('rows that do not continue a column are passed over', () => {
  const model = modelOf([row('cope', 0, STEP), row('cope', 2, STEP), row('cope', 0, STEP), ['nobody', 0, 1, '', 0, 0, 0, 1, 1, []]], { methods: ['cope'] });
  assert.equal(model.columns.cope.tokens.length, 1);
});

test('what-if: the run’s own settings change nothing, others mark the tokens that they would change', () => {
  const model = modelOf([row('cope', 0, STEP, { written: 1 }), row('cope', 1, [[' the', 0.9, 0.9], [' a', 0.02, 0.01]])]);
  assert.deepEqual(model.changes('cope'), []);
  model.setWhatIf(0, 0.1);
  assert.deepEqual(model.changes('cope').map(({ index, winner }) => [index, winner.text]), [[0, ' seam']]);
  assert.deepEqual(model.changes('cope', { alpha: 1.5, tau: 0.01 }).map(({ index, winner }) => [index, winner.text]), [[0, ' rag'], [1, ' a']]);
});

test('what-if is for contrasted columns that were not sampled', () => {
  const rows = [row('oppu', 0, STEP), row('cope', 0, STEP, { written: 1 })];
  assert.ok(modelOf(rows).hasWhatIf('cope'));
  assert.ok(!modelOf(rows).hasWhatIf('oppu'));
  assert.ok(!modelOf(rows, { decoding: { ...DECODING, temperature: 0.7 } }).hasWhatIf('cope'));
});

test('a saved trace was sampled where a token that scored less was taken', () => {
  assert.ok(!modelOf([row('cope', 0, STEP, { written: 1 })], { decoding: null }).isSampled('cope'));
  assert.ok(modelOf([row('cope', 0, STEP, { written: 0 })], { decoding: null }).isSampled('cope'));
});

test('contrast overruled where the favourite was not written', () => {
  const model = modelOf([row('cope', 0, STEP, { written: 1 }), row('cope', 1, STEP)]);
  assert.deepEqual([0, 1].map((index) => model.isOverruled('cope', index)), [true, false]);
  assert.ok(!modelOf([row('oppu', 0, STEP, { written: 1 })]).isOverruled('oppu', 0));
});

test('a lesson’s column may be a further run of a method, at its own settings', () => {
  const model = modelOf([row('cope-0', 0, STEP)], { variants: { 'cope-0': { of: 'cope', name: 'CoPe, α 0', alpha: 0 } } });
  assert.ok(model.contrasts('cope-0'));
  assert.equal(model.name('cope-0'), 'CoPe, α 0');
  assert.deepEqual(model.settings('cope-0', 0), { alpha: 0, tau: HEADER.tau });
  assert.ok(!model.canContinue('cope-0'));
});

test('a continuation asks for the text before it, and can be undone', () => {
  const model = modelOf([0, 1, 2].map((index) => row('cope', index, STEP)));
  const { ids, alpha, seed } = model.requestContinuation('cope', 1, 99, { alpha: 1, tau: 0.2 }, true);
  assert.deepEqual([ids, alpha, seed], [[0, 99], 1, 0]);
  model.fork({ method: 'cope', at: 1 });
  model.add([row('cope', 1, STEP, { firstId: 50 })]);
  assert.deepEqual(model.settings('cope', 0), { alpha: 0.5, tau: 0.1 });
  assert.deepEqual(model.settings('cope', 1), { alpha: 1, tau: 0.2 });
  assert.ok(model.isForced('cope', 1) && !model.isForced('cope', 0));
  model.undo('cope');
  assert.equal(model.columns.cope.tokens.length, 2, 'nothing is undone while the model writes');
  model.finish('stopped');
  model.undo('cope');
  assert.deepEqual(model.columns.cope.tokens.map((token) => token.id), [0, 10, 20]);
  assert.deepEqual(model.forks('cope'), []);
});

test('what-if leaves a token alone that the visitor chose, and one that has these settings already', () => {
  const model = modelOf([0, 1, 2].map((index) => row('cope', index, STEP, { written: 1 })));
  model.requestContinuation('cope', 1, 2, { alpha: 0, tau: 0.1 }, true);
  model.fork({ method: 'cope', at: 1 });
  model.add([1, 2].map((index) => row('cope', index, STEP, { alpha: 0 })));
  model.finish('stopped');
  assert.deepEqual(model.changes('cope', { alpha: 0, tau: 0.1 }).map(({ index }) => index), [0]);
  assert.deepEqual(model.changes('cope', { alpha: 1, tau: 0.1 }).map(({ index }) => index), [2]);
});

test('a fork before an earlier one hides it', () => {
  const model = modelOf([0, 1, 2].map((index) => row('cope', index, STEP)));
  for (const at of [2, 1]) {
    model.fork({ method: 'cope', at });
    model.add([row('cope', at, STEP, { firstId: 50 })]);
    model.finish('stopped');
  }
  assert.deepEqual(model.forks('cope').map((fork) => fork.at), [1]);
});

test('a selection is told once, and goes where its token is gone', () => {
  const model = modelOf([row('cope', 0, STEP), row('cope', 1, STEP)]);
  let count = 0;
  model.on('selection', () => { count += 1; });
  model.select('cope', 1, true);
  model.select('cope', 1, true);
  model.select('cope', 7, true);
  assert.deepEqual([count, model.selected.id], [1, 10]);
  model.fork({ method: 'cope', at: 0 });
  assert.equal(model.selection.index, 0);
});
