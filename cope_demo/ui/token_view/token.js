// A token of a column with its numbers, and how a row of the wire (wire.py) tells it.

/**
 * @typedef {object} Candidate a token that could have been chosen at a step; natural logarithms
 * @property {number} id
 * @property {string} text
 * @property {number} logp_user log-probability for the person, before the repetition penalty
 * @property {number} logp_base log-probability in general
 * @property {number} expert the personal log-probability that decided, after the repetition penalty
 * @property {number} reward logp_user - alpha * logp_base, at the run's alpha
 * @property {number} score what decided
 * @property {boolean} in_head whether it is in V_head
 */

/** @typedef {Candidate & { head_size: number, alternatives: Candidate[] }} Token a token of a column */

/**
 * @param {any[]} row without the method and the number that it begins with
 * @param {import('./methods.js').Method['driver']} driver what decided; only scores of the personal model and of the
 *   contrast tell `expert`
 * @param {number} alpha that the token was decoded with
 * @param {number} rewardAlpha the run's
 * @returns {Token}
 */
export const readToken = ([id, text, user, base, score, inHead, headSize, others], driver, alpha, rewardAlpha) => {
  const read = (id, text, logp_user, logp_base, score, inHead) => ({
    id, text, logp_user, logp_base, score, in_head: !!inHead, reward: logp_user - rewardAlpha * logp_base,
    expert: driver === 'base' || driver === 'given' ? logp_user : score + (driver === 'contrast' ? alpha * logp_base : 0),
  });
  return { ...read(id, text, user, base, score, inHead), head_size: headSize, alternatives: others.map((other) => read(...other)) };
};
