// Sliders for alpha and tau that act at once, on the numbers that were already sent.

import { el, fill, plural } from '../assets/dom.js';
import { quote, textTokens } from './numbers.js';

/**
 * The column that the what-if is about: the selected one, or else the first that can tell.
 * @param {import('./model.js').Model} model
 * @returns {string | undefined}
 */
export const whatIfMethod = (model) => [model.selection?.method, ...model.run.methods].find((method) => method && model.hasWhatIf(method));

/**
 * What the settings of the what-if would change in a column: nothing was moved ("own"), or the changes in their order.
 * @param {import('./model.js').Model} model
 * @param {string} method
 */
export const whatIfResult = (model, method) => {
  const { what_if: { alpha, tau }, run: { header } } = model;
  return { own: alpha === header.alpha && tau === header.tau, changes: model.changes(method) };
};

export class WhatIf {
  /**
   * @param {import('./model.js').Model} model
   * @param {import('./inspector.js').Actions} actions
   */
  constructor(model, actions) {
    this.model = model;
    this.actions = actions;
    this.alpha = this.slider('alpha', { min: 0, max: 1.5, step: 0.05 }, 'Contrast, alpha');
    this.tau = this.slider('tau', { min: 0, max: 1, step: 0.01 }, 'Plausibility, tau');
    this.count = el('p.count', { role: 'status' });
    this.on = el('button.small.go', { type: 'button', onclick: () => this.continueWith() }, 'Continue from the first change');
    this.back = el('button.small', { type: 'button', onclick: () => this.reset() }, 'Back');
    this.node = el('div.whatif', { role: 'group', 'aria-label': 'What if' }, el('h4', {}, 'What if'), this.alpha.node, this.tau.node, this.count,
      el('p.acts', {}, this.on, this.back));
    model.on('whatif', () => this.paint());
  }

  slider(name, limits, words) {
    const out = el('output', {});
    const input = el('input', {
      type: 'range', ...limits, 'aria-label': words,
      oninput: () => this.model.setWhatIf(Number(this.alpha.input.value), Number(this.tau.input.value)),
    });
    const set = (value) => {
      input.value = value;
      out.textContent = value.toFixed(2);
    };
    return { input, set, node: el('label', {}, el('span', {}, words), input, out) };
  }

  reset() {
    const { alpha = 0, tau = 0 } = this.model.run.header;
    this.model.setWhatIf(alpha, tau);
  }

  continueWith() {
    const method = whatIfMethod(this.model);
    const [first] = this.model.changes(method);
    if (first) this.actions.continueWith(method, first.index, first.winner);
  }

  paint() {
    const { model } = this;
    const method = whatIfMethod(model);
    this.node.hidden = !method;
    if (!method) return;
    const { what_if: { alpha, tau }, run } = model;
    this.alpha.set(alpha);
    this.tau.set(tau);
    const { own, changes } = whatIfResult(model, method);
    this.count.replaceChildren();
    const name = model.name(method);
    if (own) fill(this.count, `Move a slider: the words of ${name} that would change are marked at once.`);
    else if (!changes.length) fill(this.count, `No word of ${name} would change, of the alternatives shown.`);
    else {
      const [{ index, winner }] = changes;
      const was = model.columns[method].tokens[index];
      fill(this.count, [el('b', {}, `${changes.length} of ${plural(textTokens(model.columns[method].tokens).length, 'token', 'tokens')}`),
        ` would change, of the alternatives shown (dashed line above); the first is ${quote(was.text)} into ${quote(winner.text)}, token ${index + 1}.`]);
    }
    this.on.hidden = !this.actions.continueWith || !model.canContinue(method) || !changes.length;
    this.on.disabled = run.going;
    this.back.hidden = own;
  }
}
