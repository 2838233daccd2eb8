// Sliders for alpha and tau that act at once, on the numbers that were already sent.

class WhatIf {
  constructor(model, acts) {
    this.model = model;
    this.acts = acts;
    this.alpha = this.slider('alpha', { min: 0, max: 1.5, step: 0.05 }, 'Contrast, alpha');
    this.tau = this.slider('tau', { min: 0, max: 1, step: 0.01 }, 'Plausibility, tau');
    this.count = el('p.count', { role: 'status' });
    this.on = el('button.small.go', { type: 'button', onclick: () => this.goOn() }, 'Continue from the first change');
    this.back = el('button.small', { type: 'button', onclick: () => this.reset() }, 'Back');
    this.node = el('div.whatif', { role: 'group', 'aria-label': 'What if' }, el('h4', {}, 'What if'), this.alpha.node, this.tau.node, this.count,
      el('p.acts', {}, this.on, this.back));
    model.on('whatif', () => this.paint());
  }

  slider(name, limits, words) {
    const out = el('output', {});
    const input = el('input', {
      type: 'range', ...limits, 'aria-label': words,
      oninput: () => this.model.suppose(Number(this.alpha.input.value), Number(this.tau.input.value)),
    });
    return { input, out, node: el('label', {}, el('span', {}, words), input, out) };
  }

  // The column that the supposition is about: the selected one, or else the one that contrast wrote.
  get method() {
    const chosen = this.model.selection?.method;
    return [chosen, ...this.model.run.methods].find((method) => method && this.model.supposable(method));
  }

  reset() {
    const { alpha = 0, tau = 0 } = this.model.run.header;
    this.model.suppose(alpha, tau);
  }

  goOn() {
    const [first] = this.model.changes(this.method);
    if (first) this.acts.goOn(this.method, first.index, first.winner);
  }

  paint() {
    const { method, model } = this;
    this.node.hidden = !method;
    if (!method) return;
    const { what_if: { alpha, tau }, run } = model;
    for (const [slider, value] of [[this.alpha, alpha], [this.tau, tau]]) {
      slider.input.value = value;
      slider.out.textContent = value.toFixed(2);
    }
    const own = alpha === run.header.alpha && tau === run.header.tau;
    const changes = model.changes(method);
    this.count.replaceChildren();
    const name = model.name(method);
    if (own) fill(this.count, `Move a slider: the words of ${name} that would change are marked at once.`);
    else if (!changes.length) fill(this.count, `No word of ${name} would change, of the alternatives shown.`);
    else {
      const [{ index, winner }] = changes;
      const was = model.columns[method].tokens[index];
      fill(this.count, [el('b', {}, `${changes.length} of ${plural(model.columns[method].tokens.length, 'token', 'tokens')}`),
        ` would change, of the alternatives shown (dashed line above); the first is ${quoted(was.text)} into ${quoted(winner.text)}, token ${index + 1}.`]);
    }
    this.on.hidden = !this.acts.goOn || !model.continuable(method) || !changes.length;
    this.on.disabled = run.going;
    this.back.hidden = own;
  }
}
