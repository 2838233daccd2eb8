// What the colours can show, and which of seven steps a value takes. Steps -3 to 3 diverge around 0; measures that only
// rise take 0 to 3. `range` stretches the fixed limits.

import { signed } from '../assets/dom.js';
import { possessive } from './methods.js';
import { percent, rank } from './numbers.js';

/**
 * @typedef {object} Measure
 * @property {(who: string, amateur?: string) => string} label amateur: whom the person stands against, base if it is left out
 * @property {(token: import('./token.js').Token) => number} value
 * @property {(who: string, amateur?: string) => string} explain
 * @property {(who: string, amateur?: string) => string} unit what a value is of, as it is said beside the figure; '' where there is none
 * @property {(value: number) => string} show a token's value, or the mean of several, as a figure
 * @property {(who: string, amateur?: string) => string[]} ends what the two ends of the scale mean
 * @property {boolean} [fixed] whether `range` changes nothing
 * @property {(value: number, range: number) => number} step
 * @property {(range: number) => [number, string][]} limits each step with the values that it stands for
 */

// A diverging measure's limits on either side of the neutral step.
/** @returns {Pick<Measure, 'step' | 'limits'>} */
const divergingScale = (below, above) => ({
  step: (value, range) => above.filter((limit) => value >= limit * range).length - below.filter((limit) => value <= limit * range).length,
  limits: (range) => {
    const [b, a] = [below, above].map((side) => side.map((limit) => figure(limit * range)));
    return [[-3, `below ${b[2]}`], [-2, `${b[2]} to ${b[1]}`], [-1, `${b[1]} to ${b[0]}`], [0, 'near 0'],
      [1, `${a[0]} to ${a[1]}`], [2, `${a[1]} to ${a[2]}`], [3, `above ${a[2]}`]];
  },
});
const figure = (x) => {
  const text = String(Number(Math.abs(x).toPrecision(2)));
  return x < 0 ? `\u2212${text}` : `+${text}`;
};
// A probability, darker where it is rarer; side 1 is the person's colour, -1 base's.
/** @returns {Pick<Measure, 'step' | 'limits'>} */
const rarityScale = (side) => ({
  step: (logp, range) => side * [0.5, 0.1, 0.01].filter((p) => logp < Math.log(p) * range).length,
  limits: (range) => {
    const [a, b, c] = [0.5, 0.1, 0.01].map((p) => percent(Math.log(p) * range));
    return [[0, `over ${a}`], [side, `${b} to ${a}`], [2 * side, `${c} to ${b}`], [3 * side, `under ${c}`]];
  },
});
const countScale = (side, limits, words) => ({
  fixed: true,
  step: (value) => side * limits.filter((limit) => value >= limit).length,
  limits: () => words.map((text, number) => [number * side, text]),
});

/** @type {Record<string, Measure>} */
export const MEASURES = {
  difference: {
    label: (who, amateur = 'base') => `${capital(who)} against ${amateur}`, value: (token) => token.logp_user - token.logp_base, unit: (who, amateur = 'base') => `for ${who} against ${amateur}`, show: (mean) => signed(mean, 2),
    explain: (who, amateur = 'base') => `a token’s log-probability for ${who} (log π_user), less that for ${amateur} (log π_base): the reward at alpha 1`,
    ends: (who, amateur = 'base') => [`dotted line: likelier for ${amateur}`, `solid line: likelier for ${who}`], ...divergingScale([-0.25, -1, -2.5], [0.25, 1, 2.5]),
  },
  reward: {
    label: () => 'Implicit reward', value: (token) => token.reward, unit: () => 'reward', show: (mean) => signed(mean, 2),
    explain: (who, amateur = 'base') => `a token’s log-probability for ${who} (log π_user), less alpha times that for ${amateur} (log π_base)`,
    // log π_user is never above 0 and base's share is small at a small alpha, so the limits above are finer.
    ends: () => ['dotted line: below zero', 'solid line: above zero'], ...divergingScale([-0.5, -2, -4], [0.05, 0.25, 0.75]),
  },
  logp_user: {
    label: (who) => `Probability for ${who}`, value: (token) => token.logp_user, unit: (who) => `for ${who}`, show: percent,
    explain: (who) => `how likely the token was for ${who}: π_user, whose natural logarithm the reward is made of`,
    ends: () => RARE, ...rarityScale(1),
  },
  logp_base: {
    label: () => 'Probability for base', value: (token) => token.logp_base, unit: (_, amateur = 'base') => `for ${amateur}`, show: percent,
    explain: () => 'how likely the token was for base: π_base, whose natural logarithm is what is subtracted',
    ends: () => RARE, ...rarityScale(-1),
  },
  rank: {
    label: () => 'Place in base’s list', value: (token) => rank(token, 'logp_base').at, unit: (_, amateur = 'base') => `in ${possessive(amateur)} list`, show: (mean) => mean.toFixed(1),
    explain: () => 'how many of the alternatives shown were likelier for base than this token',
    ends: () => ['pale: base’s own choice', 'dark: far from it'], ...countScale(-1, [2, 4, 7], ['1st', 'from 2nd', 'from 4th', 'from 7th']),
  },
  head: {
    label: () => 'Plausible tokens', value: (token) => token.head_size, unit: () => 'plausible tokens', show: (mean) => mean.toFixed(1),
    explain: () => 'the size of V_head: how many tokens were likely enough to be chosen from',
    ends: () => ['pale: no choice', 'dark: much choice'], ...countScale(1, [2, 5, 15], ['only 1', '2 to 4', '5 to 14', '15 or more']),
  },
  none: {
    label: () => 'Nothing: plain text', value: () => 0, unit: () => '', show: () => '', explain: () => 'the text as it is', ends: () => ['', ''],
    fixed: true, step: () => 0, limits: () => [],
  },
};
const RARE = ['pale: expected', 'dark: a surprise'];
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
/**
 * The class of a step's colour.
 * @param {number} s
 */
export const stepClass = (s) => (s === 0 ? 'r0' : `${s > 0 ? 'rp' : 'rn'}${Math.abs(s)}`);
