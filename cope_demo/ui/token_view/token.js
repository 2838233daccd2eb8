// A token of a column with its numbers, and how a row of the wire (wire.py) tells it.

/** How near two logarithms are that were rounded on the way and are the same. */
const ROUNDING = 5e-4;

/**
 * @typedef {object} Candidate a token that could have been chosen at a step; natural logarithms
 * @property {number} id
 * @property {string} text
 * @property {number} logp_user log-probability for the person, before the repetition penalty
 * @property {number} logp_base log-probability for base
 * @property {number} expert the person's log-probability that decided, after the repetition penalty
 * @property {number} reward logp_user - alpha * logp_base, at the run's alpha
 * @property {number} score what decided
 * @property {boolean} in_head whether it is in V_head
 */

/** @typedef {Candidate & { head_size: number, alternatives: Candidate[] }} Token a token of a column */

/**
 * @param {any[]} row without the method and the number that it begins with
 * @param {import('./methods.js').Method['driver']} driver what decided; only scores of the person's model and of the
 *   contrast tell `expert`
 * @param {{ decided: number, reward: number }} alphas that the token was decoded with; and the run's, of the reward
 * @returns {Token}
 */
export const readToken = ([id, text, user, base, score, inHead, headSize, others], driver, alphas) => {
  // Where the penalty took nothing, expert and logp_user are one value, and so are the score and the reward.
  const expertOf = (logp_user, logp_base, score) => {
    if (driver === 'base' || driver === 'given') return logp_user;
    const found = score + (driver === 'contrast' ? alphas.decided * logp_base : 0);
    return Math.abs(found - logp_user) < ROUNDING ? logp_user : found;
  };
  const read = (id, text, logp_user, logp_base, score, inHead) => ({
    id, text, logp_user, logp_base, score, in_head: !!inHead, reward: logp_user - alphas.reward * logp_base,
    expert: expertOf(logp_user, logp_base, score),
  });
  return { ...read(id, text, user, base, score, inHead), head_size: headSize, alternatives: others.map((other) => read(...other)) };
};
