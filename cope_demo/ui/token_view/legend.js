// What the colours mean, the choice of what they show, and how strongly. `changed` is called when the tokens need new ones.

import { el, fill, formula } from '../assets/dom.js';
import { MEASURES, stepClass } from './scale.js';

/**
 * A button that opens a small box below itself; a click elsewhere or Escape closes it.
 * @param {string} name a class
 * @param {string} words
 * @param {any[]} children
 */
export const dropdown = (name, words, children) => {
  const node = el(`details.${name}`, {}, el('summary', {}, words), el('div', {}, children));
  node.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !node.open) return;
    node.open = false;
    node.querySelector('summary').focus();
    event.stopPropagation();
  });
  document.addEventListener('pointerdown', ({ target }) => { if (target instanceof Node && !node.contains(target)) node.open = false; });
  return node;
};

export class Legend {
  /**
   * @param {import('./model.js').Model} model
   * @param {HTMLElement} root where the colours' strength is set
   * @param {() => void} changed
   */
  constructor(model, root, changed) {
    this.model = model;
    this.changed = changed;
    this.chosen = 'difference'; // at a small alpha the reward is hardly ever above 0, and the page would be one colour
    this.range = 1;
    this.choice = el('select', { onchange: () => { this.chosen = this.choice.value; this.paint(); changed(); } });
    this.words = el('p.words', {});
    this.list = el('ol', {});
    this.ends = el('p.ends', {});
    const intensity = this.slider('Intensity', { min: 0.2, max: 1, step: 0.05, value: 0.75 }, (value) => {
      root.style.setProperty('--cope-intensity', value);
      return `${Math.round(value * 100)}\u202f%`;
    });
    this.stretch = this.slider('Range', { min: -2, max: 2, step: 0.5, value: 0 }, (value) => {
      this.range = 2 ** value;
      return `\u00d7\u202f${Number(this.range.toPrecision(2))}`;
    }, () => { this.paint(); changed(); });
    this.marks = el('p.marks', { hidden: true }, el('span.swatch.overruled', { 'aria-hidden': true }, 'ab'), 'folded corner: contrast overruled the favourite');
    this.label = el('label.choice', {}, el('span', {}, 'Colours show'), this.choice);
    this.adjust = dropdown('adjust', 'Adjust', [intensity, this.stretch]);
    this.node = el('figure.legend', { 'aria-label': 'What the colours mean' }, this.words, this.list, this.ends, this.marks);
    this.paint();
    model.on('run', () => this.paint());
    model.on('tokens', () => { this.marks.hidden = !model.run.methods.some((method) => model.contrasts(method)); });
  }

  // A labelled slider. show(value) gives the words beside it; then() follows a move.
  slider(name, limits, show, then = () => {}) {
    const out = el('output', {}, show(limits.value));
    const input = el('input', {
      type: 'range', ...limits, 'aria-label': name,
      oninput: () => { out.textContent = show(Number(input.value)); then(); },
    });
    return el('label', {}, el('span', {}, name), input, out);
  }

  get measure() {
    return MEASURES[this.chosen];
  }

  // Whether the colours tell a sign, which a line under the token shows as well.
  get signed() {
    return this.measure.ends('')[0].startsWith('dotted');
  }

  // The class of a token's colour, from its value.
  step(token) {
    return stepClass(this.measure.step(this.measure.value(token), this.range));
  }

  // A token's value in the words of a listener: what the colours show of it.
  tell(token, method) {
    const { measure } = this;
    const unit = measure.unit(this.model.run?.who || 'you', this.model.amateur(method));
    return unit && `${measure.show(measure.value(token))} ${unit}`;
  }

  // What the colours of columns mean in which another person stands in the place of base.
  tellOther() {
    const methods = (this.model.run?.methods || []).filter((method) => this.model.amateur(method) !== 'base');
    return methods.map((method) => ` In ${this.model.name(method)}, ${this.model.amateur(method)} ${this.model.amateur(method) === 'you' ? 'stand' : 'stands'} where base is named.`).join('');
  }

  paint() {
    const { measure, range } = this;
    const who = this.model.run?.who || 'you';
    this.choice.replaceChildren(...Object.entries(MEASURES).map(([name, one]) =>
      el('option', { value: name, selected: name === this.chosen }, one.label(who))));
    const limits = measure.limits(range);
    this.node.classList.toggle('plain', !limits.length);
    this.stretch.querySelector('input').disabled = !!measure.fixed;
    this.words.replaceChildren();
    fill(this.words, formula(`${measure.label(who)}: ${measure.explain(who)}.${this.tellOther()}`));
    this.list.style.setProperty('--steps', String(limits.length));
    this.list.replaceChildren(...limits.map(([s, words]) =>
      el('li', {}, el(`span.swatch.${stepClass(s)}${this.signed ? '.signed' : ''}`, { 'aria-hidden': true }, 'ab'),
        el('span.limit', {}, words))));
    this.ends.replaceChildren(...measure.ends(who).map((words) => el('span', {}, words)));
  }
}
