import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Choice } from './choice.js';
import { modelOf, row } from './test_helpers.js';

const BUS = [[' was', 0.13, 0.43], [' stopped', 0.10, 0.002], [' hit', 0.02, 0.00001], [' is', 0.004, 0.2]];
const choose = (settings, most) => new Choice(modelOf([row('cope', 0, BUS, { written: 1, alpha: 0.1 })], { alpha: 0.1 }), 'cope', 0, { settings, most });
const words = (some) => some.map((other) => other.text);

test('what base leaves of the bars is in the order of the scores, and no bar grows', () => {
  for (const alpha of [0, 0.1, 0.4, 1]) {
    const choice = choose({ alpha, tau: 0.1 });
    const byLeft = [...choice.staying].sort((a, b) => choice.left(b) - choice.left(a));
    assert.deepEqual(words(byLeft), words(choice.ranked.filter(choice.isIn)));
    for (const other of choice.staying) assert.ok(choice.left(other) <= choice.share(other.expert) + 1e-12);
    const rarest = choice.staying.find((other) => other.logp_base === choice.least);
    assert.ok(Math.abs(choice.left(rarest) - choice.share(rarest.expert)) < 1e-12, 'the rarest for base keeps its bar');
  }
});

test('other settings have another winner, and the written word keeps its row', () => {
  assert.equal(choose(null).chosen.text, ' stopped');
  assert.equal(choose(null).moved, false);
  assert.equal(choose({ alpha: 0, tau: 0.1 }).chosen.text, ' was');
  assert.equal(choose({ alpha: 1, tau: 0.1 }).chosen.text, ' hit');
  const strict = choose({ alpha: 1, tau: 0.9 });
  assert.deepEqual([strict.chosen.text, words(strict.staying)], [' was', [' was']]);
  assert.deepEqual(words(choose({ alpha: 1, tau: 0.1 }, 2).rows), [' was', ' stopped', ' hit'], 'also where there is room for two');
});
