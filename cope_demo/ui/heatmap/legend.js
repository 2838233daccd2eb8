// What the colours mean, and the choice of what they show. `changed` is called with the name of the chosen measure.

class Legend {
  constructor(changed) {
    const group = `cope-measure-${Math.random().toString(36).slice(2)}`; // a page may hold several views
    this.chosen = 'difference'; // at a small alpha the reward is hardly ever above 0, and the page would be one colour
    const choice = (name) => {
      const input = el('input', {
        type: 'radio', name: group, value: name, checked: name === this.chosen,
        onchange: () => { this.chosen = name; this.paint(); changed(name); },
      });
      return el('label', {}, input, el('span', {}, MEASURES[name].label));
    };
    this.words = el('p.words', {});
    this.list = el('ol', {});
    this.ends = el('p.ends', {});
    this.node = el('figure.legend', { 'aria-label': 'What the colours mean' },
      el('fieldset', {}, el('legend', {}, 'Colours show'), Object.keys(MEASURES).map(choice)), this.words, this.list, this.ends);
    this.paint();
  }

  get measure() {
    return MEASURES[this.chosen];
  }

  paint() {
    this.words.textContent = `${this.measure.label}: ${this.measure.explain}.`;
    this.list.replaceChildren(...scale(this.measure).map(([s, words]) =>
      el('li', {}, el(`span.swatch.${stepClass(s)}`, { 'aria-hidden': true }, 'ab'), el('span.limit', {}, words))));
    this.ends.replaceChildren(...this.measure.ends.map((words) => el('span', {}, words)));
  }
}
