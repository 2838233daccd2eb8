// How the tokens of each method spread over "likelier for base" and "likelier for the person".

import { el, signed, svg } from '../assets/dom.js';
import { findMethod } from '../token_view/methods.js';
import { BIN } from './digest.js';
import { spreadByMethod } from './summary.js';

const [FIRST, LAST] = [-16, 15];
const [WIDTH, HEIGHT, FOOT] = [352, 70, 18];
const STEP = WIDTH / (LAST - FIRST + 1);

/**
 * @param {HTMLElement} place
 * @param {import('./digest.js').Digest[]} digests
 * @param {Record<string, any>} table of methods
 */
export const drawDistribution = (place, digests, table) => {
  place.replaceChildren(...spreadByMethod(digests).map((spread) => drawOne(spread, findMethod(table, spread.method))));
};

const drawOne = ({ tokens, mean, bins }, { label }) => {
  const most = Math.max(1, ...bins.values());
  const above = [...bins].reduce((sum, [bin, count]) => sum + (bin >= 0 ? count : 0), 0);
  const share = `${Math.round((100 * above) / Math.max(1, tokens))}\u202f%`;
  const bars = [...bins].map(([bin, count]) => {
    const height = (count / most) * HEIGHT;
    return svg(`rect.${bin < 0 ? 'below' : 'above'}`, { x: (bin - FIRST) * STEP + 0.75, y: HEIGHT - height, width: STEP - 1.5, height });
  });
  const at = (nats) => (nats / BIN - FIRST) * STEP;
  const marks = [-6, -4, -2, 0, 2, 4, 6].map((nats) => svg('text', { x: at(nats), y: HEIGHT + 14, 'text-anchor': 'middle' }, signed(nats, 0)));
  const words = `${tokens.toLocaleString('en')} tokens, mean ${signed(mean, 2)} nats, ${share} likelier for the person`;
  return el('figure', {}, el('figcaption', {}, el('b', {}, label), el('span', {}, words)),
    svg('svg', { viewBox: `0 0 ${WIDTH} ${HEIGHT + FOOT}`, role: 'img', 'aria-label': `${label}: ${words}` }, bars,
      svg('line.zero', { x1: at(0), x2: at(0), y1: 0, y2: HEIGHT }), svg('line.mean', { x1: at(mean), x2: at(mean), y1: 0, y2: HEIGHT }),
      svg('line.floor', { x1: 0, x2: WIDTH, y1: HEIGHT, y2: HEIGHT }), marks));
};
