// Does it sound like them: data = { state: "empty" | "problem" | "done", message, lead, caveat, rows: [{ name, prompt, tokens, mean, low, high }] }.

import { draw, el, fill, rootOf, signed } from '../assets/dom.js';

// Each text's mean with its interval on one scale; the line at 0 is the base model.
const scaleOf = (rows) => {
  const ends = rows.flatMap((row) => [row.low, row.high, 0]);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const room = (high - low || 1) * 0.08;
  return (value) => (100 * (value - low + room)) / (high - low + 2 * room);
};
const place = (x, row) => el('div.range', { 'aria-hidden': true },
  el('span.zero', { style: `left:${x(0)}%` }), el('span.whisker', { style: `left:${x(row.low)}%;width:${x(row.high) - x(row.low)}%` }),
  el(`span.mean.${row.mean < 0 ? 'below' : 'above'}`, { style: `left:${x(row.mean)}%` }));

const table = (rows) => {
  const x = scaleOf(rows);
  return el('table', {},
    el('caption', {}, 'Nats a token: log-probability for the person (log π_user) less that for base (log π_base). The line is 0, where both find the text equally likely; the bar holds the mean with 95\u202f% certainty, as far as so few tokens can say.'),
    el('thead', {}, el('tr', {}, ['', 'tokens', 'mean', 'from \u2026 to', ''].map((title) => (title ? el('th', { scope: 'col' }, title) : el('td', {}))))),
    el('tbody', {}, rows.map((row) => el('tr', {}, el('th', { scope: 'row' }, row.name), el('td', {}, row.tokens), el('td', {}, signed(row.mean, 2)),
      el('td.ends', {}, `${signed(row.low, 2)} \u2026 ${signed(row.high, 2)}`), el('td.plotted', {}, place(x, row))))));
};

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  root.setAttribute('aria-live', 'polite');
  draw(component, (data) => {
    root.replaceChildren();
    if (data.state === 'problem') root.appendChild(el('p.problem', { role: 'alert' }, data.message));
    if (data.state !== 'done') return;
    const prompts = new Set(data.rows.map((row) => row.prompt));
    fill(root, [el('p.lead', {}, data.lead), el('p.caveat', {}, data.caveat), table(data.rows),
      data.rows.filter((row, i) => prompts.size > 1 || i === 0).map((row) => el('p.asked', {}, `${prompts.size > 1 ? row.name : data.rows.length > 1 ? 'Both texts' : row.name} read as an answer to: `, el('q', {}, row.prompt)))]);
  });
}
