import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asks, listOptions, Predictions, readCount, tally } from './predictions.js';
import { modelOf, row } from './test_helpers.js';

/** A browser's storage in memory. */
const storage = (text = null) => ({
  text, getItem() { return this.text; }, setItem(_, value) { this.text = value; }, removeItem() { this.text = null; },
});

test('answers are there again after a reload, until they are forgotten', () => {
  const browser = storage();
  const first = new Predictions(browser);
  first.guess('reward', 4, 17);
  first.count('reward', 4, 17, '12');
  first.count('reward', 4, 18, 3);
  assert.deepEqual(new Predictions(browser).find('reward', 4), { guess: 17, hands: { 17: 12, 18: 3 } });
  assert.deepEqual(new Predictions(browser).find('reward', 3), { guess: null, hands: {} });
  first.forget();
  assert.equal(browser.text, null);
  assert.deepEqual(first.find('reward', 4), { guess: null, hands: {} });
});

test('a browser that keeps nothing, or something else, keeps no lesson from working', () => {
  const refuse = () => { throw new Error('refused'); };
  const own = new Predictions({ getItem: refuse, setItem: refuse, removeItem: refuse });
  own.guess('alpha', 2, 5);
  assert.equal(own.find('alpha', 2).guess, 5);
  own.forget();
  for (const text of ['{', '7', '[null]', '{"alpha/2": 3, "alpha/1": {"guess": "<b>", "hands": {"x": 1, "4": -2, "5": 7}}}']) {
    const read = new Predictions(storage(text));
    assert.deepEqual(read.find('alpha', 2), { guess: null, hands: {} });
    if (text.includes('guess')) assert.deepEqual(read.find('alpha', 1), { guess: null, hands: { 5: 7 } });
  }
});

test('a count is a whole number of hands', () => {
  assert.deepEqual(['12', '', 'many', -3, 2.9, 1e9].map(readCount), [12, 0, 0, 0, 2, 999]);
});

test('hands become shares of all that were counted', () => {
  assert.deepEqual(tally({ 1: 6, 2: 2, 9: 50 }, [1, 2, 3]).map(({ share }) => share), [0.75, 0.25, 0]);
  assert.deepEqual(tally({}, [1]), [{ id: 1, count: 0, share: 0 }]);
});

const OPTIONS = [[' was', 0.3, 0.02], [' is', 0.2, 0.01], [' has', 0.15, 0.01], [' had', 0.1, 0.01], [' stopped', 0.09, 0.0001], [' The', 0.001, 0.9]];

test('the options are those who matter, and give nothing away', () => {
  const model = modelOf([row('cope', 0, OPTIONS, { written: 4 })]);
  const options = listOptions(model, { method: 'cope', index: 0 });
  assert.deepEqual(options.map(({ text }) => text), [' was', ' is', ' stopped', ' The']);
});

test('only a decision of the contrast is asked for, at its end', () => {
  const model = modelOf([row('cope', 0, OPTIONS), row('oppu', 0, OPTIONS), row('cope', 1, OPTIONS.slice(0, 1))]);
  const step = { show: 'steps', phase: 3, method: 'cope', index: 0 };
  assert.equal(asks(model, step), true);
  for (const other of [{ phase: 1 }, { show: 'token' }, { method: 'oppu' }, { index: 1 }]) assert.equal(asks(model, { ...step, ...other }), false);
  assert.equal(asks(model, {}), false);
});
