// What decides at a step, from the numbers that were sent: the person's favourite, V_head, and whom contrast chooses.

/** @typedef {import('./token.js').Token} Token */
/** @typedef {import('./token.js').Candidate} Candidate */

/**
 * Nats. The wire carries four digits, so a difference that is no larger may be rounding: such a token counts as plausible,
 * and such a lead does not take the place of the token that was written. decode/winner.py has the same.
 */
export const TOLERANCE = 3e-4;

/**
 * The person's likeliest token of a step, after the repetition penalty.
 * @param {Token} token
 * @returns {Candidate}
 */
export const findFavourite = (token) =>
  token.alternatives.reduce((best, other) => (other.expert > best.expert ? other : best), /** @type {Candidate} */ (token));

/**
 * V_head at this tau, among the alternatives that were sent.
 * @param {Token} token
 * @param {number} tau
 */
export const findHead = (token, tau) => {
  const cut = findFavourite(token).expert + Math.log(tau) - TOLERANCE; // tau 0 cuts nothing: its logarithm is minus infinity
  return token.alternatives.filter((other) => other.expert >= cut);
};

/**
 * The alternative that contrast would choose at other settings: the best score in V_head, but the token that was written
 * stays where the best is no more than TOLERANCE ahead.
 * @param {Token} token
 * @param {number} alpha
 * @param {number} tau
 */
export const findWinner = (token, alpha, tau) => {
  const score = (/** @type {Candidate} */ other) => other.expert - alpha * other.logp_base;
  const head = findHead(token, tau);
  const best = head.reduce((top, other) => (score(other) > score(top) ? other : top));
  const written = head.find((other) => other.id === token.id);
  return written && score(best) - score(written) <= TOLERANCE ? written : best;
};
