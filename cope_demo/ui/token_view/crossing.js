// Where a decision turns: the alpha, or the tau, at which another token takes the lead. Exact for the alternatives that were
// sent: after the repetition penalty a token's score is a straight line in alpha, log π_user − alpha · log π_base.

import { quote } from './numbers.js';
import { findFavourite, findHead } from './winner.js';

/** @typedef {import('./token.js').Token} Token */
/** @typedef {import('./token.js').Candidate} Candidate */

/** The largest alpha that the page's sliders have. */
export const MOST_ALPHA = 1.5;

/**
 * The alpha at which two tokens have the same score: log π_user(a) − alpha · log π_base(a) = log π_user(b) − alpha · log π_base(b).
 * @param {Candidate} a
 * @param {Candidate} b
 * @returns {number | null} null where base finds both equally likely, so that no alpha changes their distance
 */
export const solveAlpha = (a, b) => (a.logp_base === b.logp_base ? null : (a.expert - b.expert) / (a.logp_base - b.logp_base));

/**
 * The changes of the lead in V_head while alpha rises from 0.
 * @param {Token} token
 * @param {number} tau
 * @param {number} [most] the largest alpha of interest
 * @returns {{ alpha: number, from: Candidate, to: Candidate }[]} in the order of alpha
 */
export const findOvertakings = (token, tau, most = MOST_ALPHA) => {
  const head = findHead(token, tau);
  const found = [];
  for (let leader = findFavourite(token); ;) {
    let next = null;
    for (const other of head) {
      if (other.logp_base >= leader.logp_base) continue; // its score rises no faster
      const alpha = solveAlpha(other, leader);
      const sooner = !next || alpha < next.alpha || (alpha === next.alpha && other.logp_base < next.to.logp_base);
      if (alpha <= most && sooner) next = { alpha, from: leader, to: other };
    }
    if (!next) return found;
    if (next.alpha > 0) found.push(next);
    leader = next.to;
  }
};

/**
 * The changes of the lead while tau rises from 0: each time the winner falls out of V_head, and the best of those that
 * stay follows, in the end the favourite.
 * @param {Token} token
 * @param {number} alpha
 * @returns {{ tau: number, from: Candidate, to: Candidate }[]} in the order of tau; above `tau` the token `from` is cut
 */
export const findCuts = (token, alpha) => {
  const favourite = findFavourite(token);
  const score = (/** @type {Candidate} */ other) => other.expert - alpha * other.logp_base;
  const best = (/** @type {Candidate[]} */ some) => some.reduce((top, other) => (score(other) > score(top) ? other : top));
  const found = [];
  for (let leader = best(token.alternatives); leader.expert < favourite.expert;) {
    const to = best(token.alternatives.filter((other) => other.expert > leader.expert));
    found.push({ tau: Math.exp(leader.expert - favourite.expert), from: leader, to });
    leader = to;
  }
  return found;
};

/**
 * A setting in words: two digits after the point, or two that say something where it is smaller.
 * @param {number} value
 */
export const settingWords = (value) => String(Number(value < 0.02 ? value.toPrecision(2) : value.toFixed(2)));

/**
 * What would turn this decision, in one or two sentences: the change of the lead that is nearest to the settings.
 * @param {Token} token
 * @param {{ alpha: number, tau: number }} settings
 */
export const explainCrossing = (token, { alpha, tau }) => {
  const overtakings = findOvertakings(token, tau);
  const nearest = overtakings.reduce((best, one) => (best && Math.abs(best.alpha - alpha) <= Math.abs(one.alpha - alpha) ? best : one), null);
  const cut = findCuts(token, alpha).find((one) => one.tau >= tau);
  const said = [nearest ? `${quote(nearest.to.text)} overtakes ${quote(nearest.from.text)} at alpha ${settingWords(nearest.alpha)}.`
    : `No alpha up to ${MOST_ALPHA} takes the lead from ${quote(findFavourite(token).text)}.`];
  if (cut) said.push(`Above tau ${settingWords(cut.tau)} ${quote(cut.from.text)} is cut, and ${quote(cut.to.text)} wins.`);
  return said.join(' ');
};
