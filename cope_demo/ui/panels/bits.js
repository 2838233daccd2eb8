// How surprising a model finds a text: -log2 of each token's probability, in bits, as colours, words and a legend.

import { el } from '../assets/dom.js';

/** @typedef {[string, number]} Token its text, and its surprise in bits */

const LIMITS = [4, 8, 12]; // bits: a chance of 1 in 16, 1 in 256, 1 in 4096
const WORDS = ['expected: under 4 bits', '4 to 8', '8 to 12', 'a surprise: over 12'];

/** @param {number} bits */
export const level = (bits) => LIMITS.filter((limit) => bits >= limit).length;

/** @param {number} bits */
export const chance = (bits) => (bits < 0.15 ? 'all but certain' : `a chance of 1 in ${Math.round(2 ** bits).toLocaleString('en-US')}`);

/** @param {Token[]} tokens */
export const mean = (tokens) => tokens.reduce((sum, [, bits]) => sum + bits, 0) / (tokens.length || 1);

/**
 * The words of a text with the bits of all their tokens; what is no letter or digit belongs to no word.
 * @param {Token[]} tokens
 * @returns {Token[]}
 */
export const wordsOf = (tokens) => {
  /** @type {Token[]} */
  const words = [];
  let open = false; // whether the last word goes on
  for (const [text, bits] of tokens) {
    const parts = text.match(/\s+|\S+/gu) || [];
    parts.forEach((part, at) => {
      if (/^\s/u.test(part)) { open = false; return; }
      const share = at === parts.length - 1 ? bits : 0; // a token's bits are those of its last word
      if (open) { words[words.length - 1][0] += part; words[words.length - 1][1] += share; } else words.push([part, share]);
      open = true;
    });
  }
  for (const word of words) word[0] = word[0].replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '');
  return words.filter(([text]) => text);
};

/**
 * The most surprising words, each once.
 * @param {Token[]} tokens
 * @param {number} [count]
 */
export const unusual = (tokens, count = 3) => {
  const best = new Map();
  for (const [word, bits] of wordsOf(tokens)) best.set(word, Math.max(bits, best.get(word) ?? 0));
  return [...best].filter(([, bits]) => bits >= LIMITS[1]).sort((a, b) => b[1] - a[1]).slice(0, count);
};

/** @param {Token[]} tokens */
export const coloured = (tokens) => tokens.flatMap(([text, bits]) => {
  const [space] = text.match(/^\s*/u);
  return [space, el(`span.bits${level(bits)}`, { title: `${bits.toFixed(1)} bits: ${chance(bits)}` }, text.slice(space.length))];
});

export const legend = () => el('p.bits-legend', { 'aria-label': 'What the colours mean' },
  WORDS.map((words, step) => el('span', {}, el(`span.bits${step}`, { 'aria-hidden': true }, 'ab'), ` ${words}`)));
