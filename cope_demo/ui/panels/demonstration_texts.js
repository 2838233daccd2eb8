// CoPe's text at an alpha, from the tree that was saved (panels/demonstration.py has its form): each step's winner follows from
// both models' numbers, and leads to the step after it.

import { findFavourite, findWinner } from '../token_view/winner.js';

/** @typedef {import('../token_view/token.js').Candidate & { then: number | null }} Candidate */
/** @typedef {Candidate & { head_size: number, alternatives: Candidate[] }} Word */

const CUT = -2; // in the place of a step: the text reached the length limit; another number below 0: it ended by itself

/**
 * @typedef {object} Saved
 * @property {string} prompt
 * @property {string} who
 * @property {string} occupation
 * @property {number} tau
 * @property {number} max_new_tokens
 * @property {{ most: number, step: number, first: number }} alphas of the slider
 * @property {string[]} base
 * @property {[text: string, logp_user: number, logp_base: number, expert: number, then: number | null][][]} steps
 */

/**
 * @param {Saved} saved
 * @param {number} alpha
 * @returns {{ words: Word[], whole: boolean }} whole: the text ended by itself
 */
export const writeText = ({ steps, tau }, alpha) => {
  const words = [];
  let at = 0;
  while (at >= 0) {
    const alternatives = steps[at].map(([text, logp_user, logp_base, expert, then], id) =>
      ({ id, text, logp_user, logp_base, expert, then, score: expert - alpha * logp_base, reward: 0, in_head: true }));
    // Nothing was written here before, so that no candidate has a right of its own.
    const winner = /** @type {Candidate} */ (findWinner({ ...alternatives[0], id: -1, head_size: alternatives.length, alternatives }, alpha, tau));
    words.push({ ...winner, head_size: alternatives.length, alternatives });
    if (winner.then === null) return { words, whole: false };
    at = winner.then;
  }
  const whole = at !== CUT;
  return { words: whole ? words.slice(0, -1) : words, whole }; // the end token is no text
};

/**
 * The person's favourite of a step where contrast took another word; null where it took the favourite.
 * @param {Word} word
 */
export const findOverruled = (word) => {
  const favourite = findFavourite(word);
  return favourite.id === word.id ? null : favourite;
};
