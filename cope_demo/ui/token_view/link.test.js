import assert from 'node:assert/strict';
import { test } from 'node:test';

import { linkProblem, linkQuery } from './link.js';
import { DECODING, HEADER, modelOf, row } from './test_helpers.js';

const rows = (...methods) => methods.map((method) => row(method, 0, [[' seam', 0.5, 0.6]]));
const SETTINGS = { user: 'ada', prompt: 'Write.', alpha: 0.5, tau: 0.1, repetition_penalty: 1, ...DECODING };

test('a link holds the settings of a sample user’s comparison', () => {
  assert.deepEqual(linkQuery(modelOf(rows('greedy', 'oppu', 'cope'))), SETTINGS);
});

test('further columns are named', () => {
  assert.deepEqual(linkQuery(modelOf(rows('greedy', 'oppu', 'cope', 'rag', 'oppu+cd'))), { ...SETTINGS, columns: 'rag,oppu+cd' });
});

test('adapters of the hub are linked by their address there, not by whose they are here', () => {
  const model = modelOf(rows('cope'), { adapter: 'ada/voice@c0ffee', who: 'voice' });
  const { user, ...settings } = SETTINGS;
  assert.deepEqual(linkQuery(model), { adapter: 'ada/voice@c0ffee', ...settings });
});

test('a lesson is linked by its name', () => {
  const model = modelOf(rows('cope'), { who: 'you' });
  model.setLesson({ id: 'alpha', steps: [] });
  assert.deepEqual(linkQuery(model), { lesson: 'alpha' });
});

test('there is none for one’s own writing, before anything has run, or while it is written', () => {
  assert.equal(linkQuery(modelOf(rows('cope'), { who: 'you' })), null);
  assert.equal(linkQuery(modelOf([], { methods: ['cope'], prompt: undefined })), null);
  const model = modelOf(rows('cope'));
  model.run.going = true;
  assert.equal(linkQuery(model), null);
});

test('a prompt that an address cannot hold is refused with its length', () => {
  assert.equal(linkProblem({ ...HEADER, prompt: 'x'.repeat(1500) }), '');
  assert.equal(linkProblem({ ...HEADER, prompt: 'x'.repeat(1501) }), 'The prompt has 1501 characters, and a link holds 1500; shorten it.');
  assert.equal(linkProblem({ lesson: 'alpha' }), '');
});

test('a link names the other sample user, and never a fit', () => {
  const start = (other) => ({ against: 'bob', other });
  assert.equal(linkQuery(modelOf(rows('cope'), start('Bob'))).against, 'bob');
  assert.equal(linkQuery(modelOf(rows('cope'), start('you'))), null);
});
