import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Model } from './model.js';
import { DECODING, HEADER, row, TABLE } from './test_helpers.js';

Object.assign(globalThis, { addEventListener: () => {}, setInterval: () => 0 }); // of a page, which is not here
const { Feed } = await import('./feed.js');

const METHODS = ['greedy', 'cope'];
const text = (...messages) => messages.map((message) => `${JSON.stringify(message)}\n`).join('');
const OPENING = text({ t: 'idle', who: 'Ada', methods: METHODS, table: TABLE, user: 'ada', opening: true });
const STARTED = text({ t: 'start', run: 'run1', who: 'Ada', methods: METHODS, decoding: DECODING, table: TABLE, ...HEADER },
  { t: 'tokens', seq: 0, rows: [row('cope', 0, [[' a', 0.6, 0.4], [' b', 0.4, 0.6]])] });
const feed = () => new Feed(new Model(), {}, () => {});

test('what somebody began before the page had opened stays', () => {
  const early = feed();
  early.read(STARTED);
  early.read(OPENING);
  assert.equal(early.model.run.id, 'run1');
  assert.equal(early.model.columns.cope.tokens.length, 1);
  early.read(text({ t: 'idle', who: 'Bo', methods: METHODS, table: TABLE, user: 'bo' })); // somebody else was chosen
  assert.equal(early.model.run.who, 'Bo');
});

test('what was asked for and has not come yet is still awaited', () => {
  const early = feed();
  early.begin('Asking the model\u2026');
  early.read(OPENING);
  assert.ok(early.going);
  early.read(STARTED);
  assert.equal(early.model.columns.cope.tokens.length, 1);
});

test('a later opening, as of a link to adapters, empties the view', () => {
  const later = feed();
  later.read(OPENING);
  later.read(STARTED);
  later.read(OPENING.replace('Ada', 'Cy'));
  assert.equal(later.model.run.who, 'Cy');
});

/** The messages of a continuation: its first token has expert 0.2 at alpha 0.9. */
const branch = (run) => [{ t: 'branch', run, method: 'cope', at: 0 },
  { t: 'tokens', seq: 0, rows: [row('cope', 0, [[' a', 0.6, 0.4], [' b', 0.2, 0.1]], { written: 1, alpha: 0.9 })] },
  { t: 'end', method: 'cope', stopped: 'eos' }];
const DONE = { t: 'done', seconds: 1 };

/** A page after a reload: what the one before it kept is read again. */
const reload = (before) => {
  before.kept.save();
  const after = feed();
  after.read(OPENING);
  return after;
};

const storage = new Map();
const tabStorage = { getItem: (key) => storage.get(key) ?? null, setItem: (key, value) => storage.set(key, value), removeItem: (key) => storage.delete(key) };

/** A page that has opened for Ada and written a comparison, in a tab that keeps things. */
const written = (more = text({ t: 'end', method: 'cope', stopped: 'eos' }, DONE)) => {
  storage.clear();
  Object.assign(globalThis, { sessionStorage: tabStorage });
  const said = [];
  const first = new Feed(new Model(), {}, (sentence) => said.push(sentence));
  first.read(OPENING);
  first.read(STARTED + more);
  return { first, said };
};

test('after a reload a branch has the settings that it was written with', () => {
  const { first } = written();
  first.model.requestContinuation('cope', 0, 1, { alpha: 0.9, tau: 0.1 }, false);
  first.read(text(...branch('run2'), DONE));
  const second = reload(first);
  for (const { model } of [first, second, reload(second)]) {
    const [token] = model.columns.cope.tokens;
    assert.deepEqual(model.settings('cope', 0), { alpha: 0.9, tau: 0.1 });
    assert.ok(!model.isForced('cope', 0) && Math.abs(Math.exp(token.expert) - 0.2) < 1e-9);
  }
});

test('after a reload what was stopped, or given up, is over', () => {
  for (const [end, why] of /** @type {[(one: any) => void, string][]} */ ([[(one) => one.stop(), 'stopped'], [(one) => one.breakOff('Gone.'), 'broken']])) {
    const { first } = written('');
    end(first);
    const { model } = reload(first);
    assert.equal(model.columns.cope.stopped, why);
    assert.ok(!model.run.going);
    assert.equal(JSON.parse(storage.get('cope-comparison')).rows.filter((one) => ['done', 'error'].includes(one.t)).length, 1);
  }
});

test('a branch that was stopped and taken back stays so after a reload', () => {
  const { first } = written();
  first.model.requestContinuation('cope', 0, 1, { alpha: 0.9, tau: 0.1 }, false);
  first.read(text(...branch('run2').slice(0, 2)));
  first.stop();
  first.model.undo('cope');
  const { model } = reload(first);
  assert.equal(model.columns.cope.tokens[0].text, ' a');
  assert.equal(model.columns.cope.branch, null);
});

test('a continuation that was stopped before it began is asked for no more', () => {
  const { first, said } = written();
  first.begin('Asking\u2026');
  first.model.requestContinuation('cope', 0, 1, { alpha: 0.9, tau: 0.1 }, false);
  first.stop();
  assert.equal(first.model.requested, null);
  assert.equal(said.at(-1), 'Stopped before it began.');
  first.read(text(...branch('run2'))); // the server had begun by then
  assert.ok(!first.going);
  assert.equal(first.model.columns.cope.branch, null);
});

test('the end of a fit, which nobody awaits in the view, leaves what is looked at', () => {
  const { first } = written();
  const ended = { t: 'idle', who: 'Ada', methods: METHODS, table: TABLE };
  first.read(text({ t: 'start', run: 'saved', who: 'Bo', methods: METHODS, table: TABLE, ...HEADER }, DONE, { t: 'lesson', id: 'one' }));
  first.read(text({ ...ended, nonce: 0 }));
  assert.equal(first.model.lesson.id, 'one');
  first.read(text(ended, { t: 'error', message: 'Fit this writing first.' }));
  assert.equal(first.model.lesson, null);
  first.read(text({ ...ended, who: 'you', nonce: 1 })); // an empty view is told whom it is for now
  assert.equal(first.model.run.who, 'you');
  first.begin('Asking\u2026');
  first.read(text({ ...ended, nonce: 2 }));
  assert.ok(first.going);
  first.read(STARTED);
  first.read(text({ ...ended, user: 'ada' })); // the same person, chosen again
  assert.equal(first.model.run.id, undefined);
});
