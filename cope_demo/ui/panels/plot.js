// A small line plot: light lines, the last value written out, zero marked if asked.

import { el, svg } from '../assets/dom.js';

/**
 * @param {{ title: string, unit: string, points: [number, number][], of: number, zero: boolean, later: string, ends?: [string, string], marks?: boolean }} data
 *   points: [step, value] with 1 <= step <= of; later: what stands there while there is no point; ends: words at both ends of
 *   the axis; marks: whether each point has a dot
 * @param {number} w width in pixels
 * @returns {HTMLElement}
 */
export const plot = ({ title, unit, points, of, zero, later, ends = ['step 1', `step ${of}`], marks = false }, w) => {
  const [h, left, right, top, bottom] = [128, 38, 10, 10, 20];
  const last = points[points.length - 1];
  const head = el('figcaption', {}, el('b', {}, title), last ? ` ${last[1].toFixed(2).replace('-', '\u2212')} ${unit}` : '');
  if (!last) return el('figure.plot', {}, head, el('p.later', { style: `height:${h}px` }, later));
  const ys = points.map((p) => p[1]).concat(zero ? [0] : []);
  let [low, high] = [Math.min(...ys), Math.max(...ys)];
  if (high - low < 0.02) [low, high] = [low - (zero && low === 0 ? 0 : 0.1), high + 0.1];
  const x = (v) => left + (w - left - right) * (of > 1 ? (v - 1) / (of - 1) : 0.5);
  const y = (v) => top + (h - top - bottom) * (1 - (v - low) / (high - low));
  const digits = high - low < 1 ? 2 : 1;
  const grid = [low, (low + high) / 2, high].map((v) => [
    svg('line.grid', { x1: left, x2: w - right, y1: y(v), y2: y(v) }),
    svg('text.tick', { x: left - 6, y: y(v) + 4, 'text-anchor': 'end' }, v.toFixed(digits).replace('-', '\u2212'))]);
  const line = points.map((p, i) => `${i ? 'L' : 'M'}${x(p[0]).toFixed(1)} ${y(p[1]).toFixed(1)}`).join('');
  return el('figure.plot', {}, head,
    svg('svg', { viewBox: `0 0 ${w} ${h}`, role: 'img', 'aria-label': `${title}, now ${last[1].toFixed(2)} ${unit}` },
      grid, zero && low < 0 && high > 0 ? svg('line.zero', { x1: left, x2: w - right, y1: y(0), y2: y(0) }) : null,
      svg('path.curve', { d: line }), (marks ? points : [last]).map((p) => svg('circle.dot', { cx: x(p[0]), cy: y(p[1]), r: 3.5 })),
      svg('text.tick', { x: left, y: h - 4 }, ends[0]),
      svg('text.tick', { x: w - right, y: h - 4, 'text-anchor': 'end' }, ends[1])));
};
