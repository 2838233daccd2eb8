// What the page knows of a trace before it is opened: the same as digest.py makes of it, from the model of the token view.

import { Model } from '../token_view/model.js';
import { findFavourite } from '../token_view/winner.js';

export const BIN = 0.5; // nats; the limits of a bar of the distribution
const ENDS = [-16, 15];
export const CONTEXT = 70; // characters of the text before an overruled word
const logp = (value) => Math.round(value * 1e4) / 1e4;
const milli = (value) => Math.round(value * 1e3) / 1e3;

/**
 * @typedef {object} Digest
 * @property {Record<string, any>} header of the trace
 * @property {[method: string, tokens: number, sum: number, bins: [number, number][]][]} columns of log pi_user - log pi_base
 * @property {any[][]} overruled [method, index, chosen, favourite, gain, their four log-probabilities, text before]
 */

/**
 * The rows of the wire (wire.py) that a trace's JSON holds.
 * @param {any} trace
 * @returns {any[][]}
 */
export const rowsOf = (trace) => {
  const other = (one) => [one.id, one.text, one.logp_user, one.logp_base, one.score, Number(one.in_head)];
  return trace.columns.flatMap(({ method, tokens }) => tokens.map((token, index) => [method, index, ...other(token), token.head_size, token.alternatives.map(other)]));
};

/**
 * @param {any} trace as of `compare --json`
 * @param {Record<string, any>} table of methods (wire.py)
 * @returns {Digest}
 */
export const digestTrace = (trace, table) => {
  const { columns, prompt_ids, ...header } = trace;
  const model = new Model();
  model.begin({ t: 'start', run: '', who: '', methods: columns.map((column) => column.method), table, ...header });
  model.add(rowsOf(trace));
  return { header, columns: columns.map(({ method, tokens }) => [method, ...spread(tokens)]), overruled: columns.flatMap(({ method }) => listOverruled(model, method)) };
};

/** @returns {[number, number, [number, number][]]} */
const spread = (tokens) => {
  const values = tokens.map((token) => logp(token.logp_user) - logp(token.logp_base));
  const bins = new Map();
  for (const value of values) {
    const at = Math.min(Math.max(Math.floor(value / BIN + 1e-6), ENDS[0]), ENDS[1]);
    bins.set(at, (bins.get(at) || 0) + 1);
  }
  return [values.length, milli(values.reduce((sum, value) => sum + value, 0)), [...bins].sort((a, b) => a[0] - b[0])];
};

const listOverruled = (model, method) => {
  const { alpha } = model.run.header;
  const found = [];
  let before = '';
  model.columns[method].tokens.forEach((token, index) => {
    if (model.isOverruled(method, index)) {
      const first = findFavourite(token);
      const gain = token.score - (first.expert - alpha * first.logp_base);
      const numbers = [token, first].flatMap((one) => [logp(one.logp_user), logp(one.logp_base)]);
      found.push([method, index, token.text, first.text, milli(gain), ...numbers, [...before].slice(-CONTEXT).join('')]);
    }
    before += token.text;
  });
  return found;
};
