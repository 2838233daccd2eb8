import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Model } from './model.js';
import { ascii, csvOf, messagesOf, traceOf } from './save.js';
import { modelOf, row } from './test_helpers.js';

const STEP = [[' "seam"', 0.5, 0.6], [' h\ud83e\udea1m', 0.3, 0.05]];

test('the trace is the schema of compare --json, without what the model adds', () => {
  const { columns, ...header } = traceOf(modelOf([row('cope', 0, STEP)]));
  assert.deepEqual(Object.keys(header), ['model', 'user', 'task', 'prompt', 'alpha', 'tau', 'repetition_penalty', 'prompt_ids']);
  assert.deepEqual(Object.keys(columns[0]), ['method', 'text', 'stopped', 'tokens']);
  assert.deepEqual(Object.keys(columns[0].tokens[0].alternatives[1]), ['id', 'text', 'logp_user', 'logp_base', 'reward', 'score', 'in_head']);
});

test('the table has a row a token, each text on one line', () => {
  const lines = csvOf(modelOf([row('cope', 0, STEP, { written: 1 })])).split('\r\n');
  assert.equal(lines.length, 3);
  assert.ok(lines[1].startsWith('"cope",0,1,""" h\\ud83e\\udea1m""",'), lines[1]);
  assert.ok(lines[1].endsWith('"2nd or later",1,0'), lines[1]);
});

test('JSON in a script has no markup, and no half of a character', () => {
  assert.equal(ascii(JSON.stringify('</script>\u00e9')), '"\\u003c/script>\\u00e9"');
});

test('a saved page reads the same comparison, forks included', () => {
  const model = modelOf([0, 1].map((index) => row('cope', index, STEP)));
  model.requestContinuation('cope', 1, 99, { alpha: 1, tau: 0.2 }, true);
  model.fork({ method: 'cope', at: 1 });
  model.add([row('cope', 1, STEP, { written: 1, alpha: 1, tau: 0.2, firstId: 98 })]);
  model.end('cope', 'eos');
  model.finish('stopped');
  const again = new Model();
  for (const message of messagesOf(model).trim().split('\n').map((text) => JSON.parse(text))) {
    if (message.t === 'start') again.begin(message);
    if (message.t === 'tokens') again.add(message.rows);
    if (message.t === 'branch') again.fork(message);
    if (message.t === 'end') again.end(message.method, message.stopped);
    if (message.t === 'done') again.finish('stopped');
  }
  assert.deepEqual(traceOf(again), traceOf(model));
  assert.deepEqual(again.forks('cope').map(({ at, alpha, tau, forced, was }) => [at, alpha, tau, forced, was.id]), [[1, 1, 0.2, true, 10]]);
});

test('a saved trace and a continuation name the other person', () => {
  const model = modelOf([row('against', 0, [[' pint', 0.4, 0.5]])], { against: 'bob', other: 'Bob' });
  assert.equal(traceOf(model).against, 'bob');
  assert.equal(model.requestContinuation('against', 0, 7, { alpha: 1, tau: 0.1 }, true).against, 'bob');
  assert.ok(!('against' in traceOf(modelOf([row('cope', 0, [[' a', 1, 1]])]))));
});
