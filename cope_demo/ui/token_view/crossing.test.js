import assert from 'node:assert/strict';
import { test } from 'node:test';

import { explainCrossing, findCuts, findOvertakings, settingWords, solveAlpha } from './crossing.js';
import { modelOf, row } from './test_helpers.js';
import { findWinner } from './winner.js';

/** The only token of a comparison of these candidates, as the view reads it. */
const tokenOf = (options, more = {}) => modelOf([row('cope', 0, options, { alpha: 0.1, ...more })], { alpha: 0.1, repetition_penalty: 1.1 }).columns.cope.tokens[0];
const near = (found, wanted) => assert.ok(Math.abs(found - wanted) < 1e-9, `${found} is not ${wanted}`);

const BUS = [[' was', 0.13, 0.43], [' stopped', 0.10, 0.002], [' hit', 0.02, 0.00001], [' is', 0.004, 0.2]];

test('two tokens are level where their scores are', () => {
  const { alternatives: [was, stopped] } = tokenOf(BUS);
  const alpha = solveAlpha(was, stopped);
  near(alpha, Math.log(0.13 / 0.10) / Math.log(0.43 / 0.002));
  near(was.expert - alpha * was.logp_base, stopped.expert - alpha * stopped.logp_base);
  assert.equal(solveAlpha(was, { ...was, expert: -9 }), null);
});

test('the lead changes where the winner does, and nowhere else', () => {
  const token = tokenOf(BUS);
  const found = findOvertakings(token, 0.1);
  assert.deepEqual(found.map(({ from, to }) => [from.text, to.text]), [[' was', ' stopped'], [' stopped', ' hit']]);
  for (const { alpha, from, to } of found) {
    assert.equal(findWinner(token, alpha - 0.01, 0.1).id, from.id);
    assert.equal(findWinner(token, alpha + 0.01, 0.1).id, to.id);
  }
  assert.equal(findWinner(token, 1.5, 0.1).id, found.at(-1).to.id);
});

test('only tokens of V_head take the lead', () => {
  assert.deepEqual(findOvertakings(tokenOf(BUS), 0.5).map(({ to }) => to.text), [' stopped'], 'at tau 0.5 " hit" is out');
  assert.deepEqual(findOvertakings(tokenOf(BUS), 0.9), []);
});

test('a lead beyond the largest alpha is none', () => assert.equal(findOvertakings(tokenOf(BUS), 0.1, 0.1).length, 1));

test('the repetition penalty counts: what decides is compared, not the bare log-probability', () => {
  const token = tokenOf([[' was', 0.13, 0.43, 0.2], [' stopped', 0.10, 0.002]]);
  near(findOvertakings(token, 0.1)[0].alpha, (Math.log(0.13 / 0.10) - 0.2) / Math.log(0.43 / 0.002));
  const level = tokenOf([[' was', 0.13, 0.43, 0.5], [' stopped', 0.10, 0.002]], { written: 1 });
  assert.deepEqual(findOvertakings(level, 0.1), [], 'it leads from alpha 0 on');
});

test('with tau the winner falls out, until the favourite is left', () => {
  const token = tokenOf(BUS);
  const found = findCuts(token, 1);
  assert.deepEqual(found.map(({ from, to }) => [from.text, to.text]), [[' hit', ' stopped'], [' stopped', ' was']]);
  near(found[1].tau, 0.10 / 0.13);
  assert.equal(findWinner(token, 1, found[1].tau - 0.01).text, ' stopped');
  assert.equal(findWinner(token, 1, found[1].tau + 0.01).text, ' was');
  assert.deepEqual(findCuts(token, 0), [], 'the favourite wins at alpha 0, and no tau cuts it');
});

test('it is said in a sentence, for the change that is nearest', () => {
  assert.equal(explainCrossing(tokenOf(BUS), { alpha: 0.1, tau: 0.1 }),
    '\u2018stopped\u2019 overtakes \u2018was\u2019 at alpha 0.05. Above tau 0.77 \u2018stopped\u2019 is cut, and \u2018was\u2019 wins.');
  assert.match(explainCrossing(tokenOf(BUS), { alpha: 1, tau: 0.1 }), /^\u2018hit\u2019 overtakes \u2018stopped\u2019 at alpha 0\.3/);
  assert.equal(explainCrossing(tokenOf([[' a', 0.6, 0.1], [' b', 0.3, 0.4]]), { alpha: 0.1, tau: 0.1 }), 'No alpha up to 1.5 takes the lead from \u2018a\u2019.');
});

test('settings are written with the digits that say something', () => assert.deepEqual([0.0496, 0.5, 0.00423, 1.2].map(settingWords), ['0.05', '0.5', '0.0042', '1.2']));
