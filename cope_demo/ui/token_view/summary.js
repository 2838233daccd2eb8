// Below a column: what its text came to.

import { el, plural, signed } from '../assets/dom.js';
import { possessive } from './methods.js';
import { bits } from './numbers.js';

/**
 * Why a column ended.
 * @type {Record<string, string>}
 */
export const STOPPED = { eos: 'ended by itself', length: 'reached the length limit', stopped: 'stopped by you', broken: 'broke off' };

/**
 * What a column came to, as far as it is known.
 * @param {import('./model.js').Model} model
 * @param {string} method
 * @returns {[name: string, figure: string, explanation: string][]}
 */
export const figures = (model, method) => {
  const { tokens } = model.columns[method];
  if (!tokens.length) return [];
  const { who } = model.run;
  const list = [];
  const mean = tokens.reduce((sum, token) => sum + token.reward, 0) / tokens.length;
  list.push(['mean reward', signed(mean, 2), 'the implicit reward, averaged over the tokens']);
  if (model.contrasts(method)) {
    list.push(['overruled', String(tokens.filter((_, index) => model.isOverruled(method, index)).length), 'tokens at which contrast overruled the personal model’s favourite']);
  }
  list.push([`bits per token, ${who}`, bits(tokens.map((token) => token.logp_user)).toFixed(2), `how surprising the text is for ${who}`]);
  list.push(['bits, in general', bits(tokens.map((token) => token.logp_base)).toFixed(2), 'how surprising the text is for the base model']);
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
 * @param {import('./model.js').Model} model
 * @param {string} method
 * @returns {HTMLElement[]}
 */
export const summary = (model, method) => {
  const { tokens, stopped } = model.columns[method];
  const why = STOPPED[stopped] || '';
  return [
    el('p', {}, plural(tokens.length, 'token', 'tokens'), why ? ` \u00b7 ${why}` : ''),
    model.prompt(method) === null ? null : el('p.hint', {}, 'Reward and bits are given its own prompt: not to be set against the other columns’.'),
    el('dl', {}, figures(model, method).map(([name, figure, words]) => el('div', { title: words }, el('dt', {}, name), el('dd', {}, figure)))),
  ].filter(Boolean);
};
