// Alpha and tau of one decision, to drag: what would win there, and where exactly the lead changes.

import { el } from '../assets/dom.js';
import { explainCrossing, findCuts, findOvertakings, MOST_ALPHA } from './crossing.js';
import { decimal } from './choice.js';
import { quote } from './numbers.js';

export class Dials {
  /** @param {(settings: { alpha: number, tau: number } | null) => void} move called at each move; null: back to the decision's own */
  constructor(move) {
    this.move = move;
    this.alpha = this.slider('alpha', 'α', 'Contrast, alpha', { min: 0, max: MOST_ALPHA, step: 0.01 });
    this.tau = this.slider('tau', 'τ', 'Plausibility, tau', { min: 0, max: 1, step: 0.01 });
    this.back = el('button.quiet.own', { type: 'button', onclick: () => move(null) });
    this.crossing = el('p.crossing', { 'aria-live': 'polite' });
    this.node = el('div.cope-dials', { role: 'group', 'aria-label': 'Other settings for this decision' }, this.alpha.node, this.tau.node, this.back, this.crossing);
  }

  slider(name, sign, words, limits) {
    const out = el('output', {});
    const marks = el('span.marks', { 'aria-hidden': true });
    const input = el('input', {
      type: 'range', ...limits, 'aria-label': words, oninput: () => this.move({ alpha: Number(this.alpha.input.value), tau: Number(this.tau.input.value) }),
    });
    return { input, out, marks, most: limits.max, node: el(`label.dial-${name}`, {}, el('i', {}, sign), el('span.track', {}, input, marks), out) };
  }

  /** @param {import('./choice.js').Choice} choice */
  draw(choice) {
    const { token, alpha, tau, own } = choice;
    this.node.hidden = token.alternatives.length < 2 || choice.forced || choice.sampled;
    if (this.node.hidden) return;
    const winner = quote(choice.chosen.text);
    this.set(this.alpha, alpha, winner, findOvertakings(token, tau).map((one) => one.alpha));
    this.set(this.tau, tau, winner, findCuts(token, alpha).map((one) => one.tau));
    this.back.textContent = `Back to α ${decimal(own.alpha)}, τ ${decimal(own.tau)}`;
    this.back.style.visibility = choice.moved ? 'visible' : 'hidden';
    const said = explainCrossing(token, choice);
    if (this.crossing.textContent !== said) this.crossing.textContent = said;
  }

  // crossings: where the lead changes, as ticks under the slider.
  set({ input, out, marks, most }, value, winner, crossings) {
    if (Number(input.value) !== value) input.value = String(value);
    out.textContent = value.toFixed(2);
    input.setAttribute('aria-valuetext', `${value.toFixed(2)}: ${winner} wins`);
    marks.replaceChildren(...crossings.map((at) => el('i', { style: `--at:${(at / most).toFixed(4)}` })));
  }
}
