// Below a column: what its text came to.

import { el, plural } from '../assets/dom.js';
import { possessive } from './methods.js';
import { bits, mean, textTokens } from './numbers.js';

/**
 * Why a column ended.
 * @type {Record<string, string>}
 */
export const STOPPED = { eos: 'ended by itself', length: 'reached the length limit', stopped: 'stopped by you', broken: 'broke off' };

/**
 * What a column came to, as far as it is known.
 * @param {import('./model.js').Model} model
 * @param {string} method
 * @param {import('./scale.js').Measure} measure what the colours show; its mean comes first
 * @returns {[name: string, figure: string, explanation: string][]}
 */
export const figures = (model, method, measure) => {
  const tokens = textTokens(model.columns[method].tokens);
  if (!tokens.length) return [];
  const { who } = model.run;
  const amateur = model.amateur(method);
  const unit = measure.unit(who, amateur);
  const list = [];
  if (unit) list.push([`mean, ${unit}`, measure.show(mean(tokens.map(measure.value))), `${measure.explain(who, amateur)}; averaged over the tokens`]);
  list.push([`bits per token, ${who}`, bits(tokens.map((token) => token.logp_user)).toFixed(2), `how surprising the text is for ${who}`]);
  list.push([`bits per token, ${amateur}`, bits(tokens.map((token) => token.logp_base)).toFixed(2), `how surprising the text is for ${amateur}`]);
  const like = model.run.likeness?.[method];
  if (like) {
    const own = model.run.likeness.history;
    const scale = (kind) => (own ? `; ${possessive(who)} own texts reach ${own[kind].toFixed(2)}` : '');
    list.push(['topic likeness', like.topic.toFixed(2), `how near the text is to what ${who === 'you' ? 'you write' : `${who} writes`} about, by embedding${scale('topic')}`]);
    list.push(['style likeness', like.style.toFixed(2), `how near it is to the manner of that writing${scale('style')}`]);
  }
  return list;
};

/**
 * How many tokens a column has, why it has no more, and at how many of its decisions contrast overruled the favourite.
 * @param {import('./model.js').Model} model
 * @param {string} method
 */
export const outcome = (model, method) => {
  const { tokens, stopped } = model.columns[method];
  const overruled = tokens.filter((_, index) => model.isOverruled(method, index)).length;
  return [plural(textTokens(tokens).length, 'token', 'tokens'), STOPPED[stopped], model.contrasts(method) && `${overruled} overruled`].filter(Boolean).join(' · ');
};

/**
 * @param {import('./model.js').Model} model
 * @param {string} method
 * @param {import('./scale.js').Measure} measure
 * @returns {HTMLElement[]} nothing for a column that never began
 */
export const summary = (model, method, measure) => {
  const column = model.columns[method];
  if (!column.tokens.length && column.stopped !== 'eos') return [];
  return [
    el('p', {}, outcome(model, method)),
    model.prompt(method) === null ? null : el('p.hint', {}, 'Reward and bits are given its own prompt: not to be set against the other columns’.'),
    el('dl', {}, figures(model, method, measure).map(([name, figure, words]) => el('div', { title: words.replace(/_/g, '') }, el('dt', {}, name), el('dd', {}, figure)))),
  ].filter(Boolean);
};
