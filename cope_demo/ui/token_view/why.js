// Why this token: one plain sentence, made from the step's numbers. Every method decides differently, so each has its own.

import { plural } from '../assets/dom.js';
import { ordinal, percent, quote, rank, tokenName } from './numbers.js';
import { findFavourite, findWinner } from './winner.js';

/**
 * @param {import('./model.js').Model} model
 * @param {string} method
 * @param {number} index
 * @returns {string}
 */
export const why = (model, method, index) => {
  const token = model.columns[method].tokens[index];
  const people = { who: model.run.who, amateur: model.amateur(method) };
  const name = tokenName(token);
  if (!token.alternatives.length) return `${name}: ${chances(token, people)}.`;
  const fork = model.forks(method).find((one) => one.at === index);
  if (fork?.forced) return `You put ${name} here${fork.was ? ` in place of ${tokenName(fork.was)}` : ''}: ${chances(token, people)}.`;
  if (model.isGiven(method)) return explainGiven(token, people, name);
  if (model.isSampled(method)) return explainSampled(token, people, name);
  if (model.isDecidedByBase(method)) return explainByBase(token, people.who, name, model.prompt(method) === null ? 'for base' : 'for base with these texts in its prompt');
  return model.contrasts(method) ? explainByContrast(model, method, index, token, people, name) : explainByPerson(token, people.who, name);
};

// people: { who, amateur }, as the page calls both models.
const chances = (token, { who, amateur }) => `${percent(token.logp_user)} for ${who}, ${percent(token.logp_base)} for ${amateur}`;
const best = (token, by) => token.alternatives.reduce((top, other) => (other[by] > top[by] ? other : top), token);
/**
 * Whether the repetition penalty took from a token's probability.
 * @param {import('./token.js').Candidate} other
 */
export const isPenalized = (other) => other.expert < other.logp_user - 0.01;

const explainGiven = (token, people, name) => {
  const { who } = people;
  const gain = token.logp_user - token.logp_base;
  const verdict = gain >= 0.25 ? `which speaks for ${who}` : gain <= -0.25 ? `which speaks against ${who}` : 'which says little either way';
  return `${name} has ${chances(token, people)}, ${verdict}.`;
};

const explainSampled = (token, people, name) => {
  const top = best({ ...token, alternatives: token.alternatives.filter((other) => other.in_head) }, 'score');
  const among = `${plural(token.head_size, 'plausible token', 'plausible tokens')}`;
  return top.id === token.id
    ? `The lot fell on ${name}, the best of ${among}: ${chances(token, people)}.`
    : `The lot fell on ${name} (${chances(token, people)}), out of ${among}; ${quote(top.text)} would have been the best.`;
};

const explainByBase = (token, who, name, where) => {
  const first = best(token, 'logp_base');
  const favourite = best(token, 'logp_user');
  const otherwise = favourite.id === token.id ? 'the favourite there as well' : `where ${quote(favourite.text)} is the favourite`;
  if (first.id !== token.id) {
    return `${quote(first.text)} was likelier ${where} at ${percent(first.logp_base)}, but the repetition penalty set it back, so base took ${name} at ${percent(token.logp_base)}.`;
  }
  return `${name} was the likeliest ${where} at ${percent(token.logp_base)}; for ${who} it has ${percent(token.logp_user)}, ${otherwise}.`;
};

const explainByPerson = (token, who, name) => {
  const first = best(token, 'logp_user');
  if (first.id !== token.id) {
    return `${quote(first.text)} was likelier for ${who} at ${percent(first.logp_user)}, but the repetition penalty set it back, so ${name} at ${percent(token.logp_user)} was taken.`;
  }
  return `${name} was the likeliest for ${who} at ${percent(token.logp_user)}; for base it has ${percent(token.logp_base)}, and base had no say.`;
};

/**
 * Why contrast took a token before the person's favourite.
 * @param {import('./token.js').Token} token
 * @param {import('./token.js').Candidate} favourite
 * @param {{ who: string, amateur: string }} people how the page calls both models
 */
export const explainOverruled = (token, favourite, { who, amateur }) => {
  const after = token.alternatives.some(isPenalized) ? ' after the repetition penalty' : '';
  return `${tokenName(token)} was behind ${quote(favourite.text)} for ${who}${after}, ${percent(token.expert)} against ${percent(favourite.expert)}, but for ${amateur} it has only ${percent(token.logp_base)} against ${percent(favourite.logp_base)}, so contrast chose it.`;
};

const explainByContrast = (model, method, index, token, people, name) => {
  const { who, amateur } = people;
  const { alpha, tau } = model.settings(method, index);
  const p = percent(token.logp_user);
  const q = percent(token.logp_base);
  const favourite = findFavourite(token);
  // What would have won if no token had been set back: the same rule on the log-probabilities as they were.
  const unpenalized = { ...token, expert: token.logp_user, alternatives: token.alternatives.map((other) => ({ ...other, expert: other.logp_user })) };
  const without = model.run.header.repetition_penalty > 1 ? findWinner(unpenalized, alpha, tau) : token;
  if (without.id !== token.id) {
    const because = isPenalized(token.alternatives.find((other) => other.id === without.id)) ? ', which had been used before,' : '';
    return `The repetition penalty decided: without it ${quote(without.text)}${because} would have won (${chances(without, people)}); so it was ${name} with ${p} for ${who} and ${q} for ${amateur}.`;
  }
  if (favourite.id !== token.id) {
    const first = quote(favourite.text);
    if (rank(token, 'expert').exact && !token.alternatives.some(isPenalized)) {
      return `${name} was ${ordinal(rank(token, 'expert').at)} for ${who} at ${p}, but only ${q} for ${amateur}, so contrast chose it over ${first} (${percent(favourite.logp_user)}, ${percent(favourite.logp_base)} for ${amateur}).`;
    }
    return explainOverruled(token, favourite, people);
  }
  if (token.head_size === 1) return `${name} was the only plausible token: ${p} for ${who}, and nothing else reached ${percent(Math.log(tau))} of that, so contrast had no say.`;
  if (alpha === 0) return `${name} was first for ${who} at ${p}; at alpha 0 nothing is subtracted, so the favourite wins.`;
  if (best(token, 'logp_base').id === token.id) return `${name} was first for ${who} at ${p} and first for ${amateur} at ${q}: no other plausible token gained enough from contrast.`;
  if (token.logp_user >= token.logp_base) return `${name} was first for ${who} at ${p} and has only ${q} for ${amateur}, so contrast confirmed it.`;
  return `${name} was first for ${who} at ${p}, far enough ahead to win although it is commoner for ${amateur} (${q}).`;
};

/**
 * The alternatives that one model liked most, best first.
 * @param {{ alternatives: import('./token.js').Candidate[] }} token
 * @param {'logp_user' | 'logp_base' | 'expert'} by
 * @param {number} [count]
 */
export const topBy = (token, by, count = 3) => [...token.alternatives].sort((a, b) => b[by] - a[by]).slice(0, count);
