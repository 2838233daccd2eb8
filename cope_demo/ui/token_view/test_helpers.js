// What the tests make comparisons from: tokens of a few candidates each, given as probabilities.

import { Model } from './model.js';

export const HEADER = { model: 'tiny', user: 'ada', task: 'free_writing', prompt: 'Write.', alpha: 0.5, tau: 0.1, repetition_penalty: 1, prompt_ids: [1, 2] };
export const DECODING = { max_new_tokens: 40, temperature: 0, seed: 0 };

const describe = (label, driver, varies = '', optional = false) => ({ label, about: `About ${label}.`, driver, varies, optional });
/** A method of each kind, as the first message of a comparison describes them. */
export const TABLE = {
  greedy: describe('Base, greedy', 'base'), oppu: describe('OPPU', 'user'), cope: describe('CoPe', 'contrast'),
  rag: describe('RAG', 'base', 'greedy', true), 'oppu+cd': describe('OPPU with contrast', 'contrast', 'oppu', true),
  'oppu+dpo': describe('CoPe without contrast', 'user', 'oppu', true),
  against: { ...describe('CoPe against Bob', 'contrast', 'cope'), amateur: 'Bob' },
  score: describe('Your text', 'given'), a: describe('Text A', 'given'), b: describe('Text B', 'given'),
};

/**
 * A row of the wire (wire.py) as the decoder would send it.
 * @param {string} method
 * @param {number} index
 * @param {[text: string, user: number, base: number, penalty?: number][]} options probabilities, and what the repetition
 *   penalty takes from the logarithm of the first
 * @param {{ written?: number, alpha?: number, tau?: number, firstId?: number, headSize?: number }} [more]
 */
export const row = (method, index, options, { written = 0, alpha = HEADER.alpha, tau = HEADER.tau, firstId = 10 * index, headSize } = {}) => {
  const expert = options.map(([, user, , penalty = 0]) => Math.log(user) - penalty);
  const score = (at) => {
    const base = Math.log(options[at][2]);
    return { greedy: base, rag: base, oppu: expert[at], 'oppu+dpo': expert[at], score: Math.log(options[at][1]) - alpha * base }[method] ?? expert[at] - alpha * base;
  };
  const inHead = (at) => Number(expert[at] >= Math.max(...expert) + Math.log(tau));
  const others = options.map(([text, user, base], at) => [firstId + at, text, Math.log(user), Math.log(base), score(at), inHead(at)]);
  const size = headSize ?? others.filter((other) => other[5]).length;
  return [method, index, ...others[written], size, others];
};

/**
 * A model that has read these rows, and is finished.
 * @param {any[][]} rows
 * @param {object} [start] fields of the first message
 */
export const modelOf = (rows, start = {}) => {
  const model = new Model();
  model.begin({ t: 'start', run: 'run1', who: 'Ada', methods: [...new Set(rows.map(([method]) => method))], decoding: DECODING, table: TABLE, ...HEADER, ...start });
  model.add(rows);
  for (const method of model.run.methods) model.end(method, 'eos');
  model.finish('stopped');
  return model;
};
