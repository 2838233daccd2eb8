import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { findFavourite, findWinner, TOLERANCE } from './winner.js';

const WINNERS = JSON.parse(readFileSync(new URL('../../../tests/decode/winner_cases.json', import.meta.url), 'utf8'));

test('the tolerance is the one of the shared cases', () => assert.equal(TOLERANCE, WINNERS.tolerance));

for (const { name, alpha, tau, candidates, written, winner } of WINNERS.cases) {
  test(`winner: ${name}`, () => {
    const token = { ...candidates.find((other) => other.id === written), alternatives: candidates };
    assert.equal(findWinner(token, alpha, tau).id, winner);
  });
}

test('the favourite is the expert’s after the penalty, and the written one on a tie', () => {
  const [other, own] = [{ id: 1, expert: -1 }, { id: 2, expert: -1 }];
  assert.equal(findFavourite(/** @type {any} */ ({ ...own, alternatives: [other, own] })).id, 2);
  assert.equal(findFavourite(/** @type {any} */ ({ ...own, alternatives: [{ ...other, expert: -0.5 }, own] })).id, 1);
});
