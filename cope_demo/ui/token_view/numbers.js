// How numbers and tokens become words.

import { plural } from '../assets/dom.js';

/**
 * A probability in percent, from its logarithm.
 * @param {number} logp
 */
export const percent = (logp) => {
  const p = Math.exp(logp) * 100;
  if (p >= 99.95) return '100\u202f%';
  if (p >= 9.95) return `${p.toFixed(0)}\u202f%`;
  if (p >= 0.095) return `${p.toFixed(1)}\u202f%`;
  return p >= 0.01 ? `${p.toFixed(2)}\u202f%` : '<\u202f0.01\u202f%';
};
/**
 * 1st, 2nd, …
 * @param {number} n
 */
export const ordinal = (n) => {
  const tens = n % 100;
  const ending = tens > 10 && tens < 14 ? 'th' : ['th', 'st', 'nd', 'rd'][n % 10] || 'th';
  return `${n}${ending}`;
};
/** @param {number[]} values */
export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
/**
 * Mean bits per token of natural log-probabilities.
 * @param {number[]} logps
 */
export const bits = (logps) => -mean(logps) / Math.LN2;

/**
 * A token's place in one model's list, counted among the alternatives that were sent. It is exact where the tokens that
 * were not sent have less probability together than this one has; else it may be later.
 * @param {import('./token.js').Token} token
 * @param {'logp_user' | 'logp_base' | 'expert'} by a log-probability
 * @returns {{ at: number, exact: boolean }}
 */
export const rank = (token, by) => {
  const at = 1 + token.alternatives.filter((other) => other.id !== token.id && other[by] > token[by]).length;
  const unsent = 1 - token.alternatives.reduce((sum, other) => sum + Math.exp(other[by]), 0);
  return { at, exact: at === 1 || unsent < Math.exp(token[by]) };
};
/** @param {{ at: number, exact: boolean }} place */
export const rankWords = ({ at, exact }) => `${ordinal(at)}${exact ? '' : ' or later'}`;

const SYMBOLS = { ' ': '\u2423', '\n': '\u21b5', '\t': '\u21e5', '\r': '\u240d' };
/** Characters that leave no mark on paper or screen. */
export const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const codePoint = (c) => `\u27e8U+${c.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}\u27e9`;
/**
 * A token on one line, with what cannot be seen made visible.
 * @param {string} text
 */
export const showInvisible = (text) => (text === '' ? '(part of a character)'
  : text.replace(/[ \n\t\r]/g, (c) => SYMBOLS[c]).replace(UNSEEN, (c) => (c === '\u200d' ? c : codePoint(c))));
/**
 * @param {string} text
 * @param {number} [most]
 */
export const clip = (text, most = 40) => (text.length > most ? `${[...text.slice(0, most)].join('')}\u2026` : text);
/**
 * In a sentence: between quotation marks, and without the space that most tokens begin with.
 * @param {string} text
 */
export const quote = (text) => (text === '' ? 'a part of a character' : `\u2018${clip(showInvisible(text.length > 1 ? text.replace(/^ /, '') : text))}\u2019`);
/**
 * Whether a written token is the end token. It adds no text; its own name stands among the alternatives.
 * @param {import('./token.js').Token} token
 */
export const isEnd = (token) => token.text === '' && !(token.alternatives.find((other) => other.id === token.id)?.text || '\ufffd').includes('\ufffd');
/**
 * The tokens that are text: all but the end token. Counts and means are over these.
 * @param {import('./token.js').Token[]} tokens
 */
export const textTokens = (tokens) => (tokens.length && isEnd(tokens[tokens.length - 1]) ? tokens.slice(0, -1) : tokens);
/**
 * Which of a column's tokens one is.
 * @param {import('./token.js').Token[]} tokens
 * @param {number} index
 */
export const placeWords = (tokens, index) => {
  const total = textTokens(tokens).length;
  return index < total ? `token ${index + 1} of ${total}` : `the end, after ${plural(total, 'token', 'tokens')}`;
};
/**
 * A written token in a sentence.
 * @param {import('./token.js').Token} token
 */
export const tokenName = (token) => (isEnd(token) ? 'the end of the text' : quote(token.text));
const SCREEN_READER_NAMES = { '\n': 'new line', '\t': 'tab', ' ': 'space', '': 'part of a character' };
/**
 * A token's text for a screen reader.
 * @param {string} text
 */
export const screenReaderText = (text) => clip(text.trim(), 120) || SCREEN_READER_NAMES[text] || (text.includes('\n') ? 'new line' : 'space');
