// Where the columns part, and where contrast overruled: a list to walk through with two buttons, or the keys n and p.
// A divergence is the first token at which a column parts from the one on its left (a further column: from the one that it
// varies), and every overruled token.

const VARIES = { base: 'greedy', rag: 'greedy', pag: 'greedy', 'oppu+cd': 'oppu', 'oppu+dpo': 'oppu' };

const divergences = (model) => {
  const list = [];
  if (model.run.methods.some((method) => GIVEN.includes(method))) return list; // other texts, not other decisions
  const columns = model.run.methods.map((method) => model.columns[method]);
  columns.forEach(({ method, tokens }, number) => {
    const beside = columns.slice(0, number).find((other) => other.method === VARIES[method]) || columns[number - 1];
    const left = beside?.tokens;
    const parts = left ? tokens.findIndex((token, index) => token.id !== left[index]?.id) : -1;
    tokens.forEach((token, index) => {
      const what = index === parts && left.length ? `${model.name(method)} parts from ${model.name(beside.method)}` : '';
      if (what || model.overruled(method, index)) list.push({ method, index, what: what || 'contrast overruled the favourite' });
    });
  });
  const order = model.run.methods;
  return list.sort((a, b) => a.index - b.index || order.indexOf(a.method) - order.indexOf(b.method));
};

class Differences {
  // go(method, index): shows that token.
  constructor(model, go) {
    this.model = model;
    this.go = go;
    this.list = [];
    this.words = el('span', { role: 'status' });
    const button = (by, name, sign) => el('button.small', { type: 'button', 'aria-label': name, title: `${name} (key ${by > 0 ? 'n' : 'p'})`, onclick: () => this.jump(by) }, sign);
    this.node = el('div.differences', { role: 'group', 'aria-label': 'Divergences', hidden: true }, this.words, button(-1, 'Previous divergence', '\u2191'), button(1, 'Next divergence', '\u2193'));
    for (const event of ['run', 'done', 'branch']) model.on(event, () => this.collect());
    model.on('selection', () => this.paint());
  }

  collect() {
    this.list = this.model.run.going ? [] : divergences(this.model);
    this.node.hidden = !this.list.length;
    this.paint();
  }

  // Where the selection stands in the list: exactly at an entry, or between two.
  get position() {
    const now = this.model.selection;
    if (!now) return -0.5;
    const order = this.model.run.methods;
    const before = this.list.filter((one) => one.index < now.index || (one.index === now.index && order.indexOf(one.method) < order.indexOf(now.method))).length;
    const here = this.list[before];
    return here?.index === now.index && here.method === now.method ? before : before - 0.5;
  }

  jump(by) {
    if (!this.list.length) return;
    const next = by > 0 ? Math.floor(this.position) + 1 : Math.ceil(this.position) - 1;
    const one = this.list[(next + this.list.length) % this.list.length];
    this.go(one.method, one.index);
  }

  paint() {
    const at = this.position;
    const one = this.list[at];
    this.words.textContent = one ? `${at + 1} of ${this.list.length}: ${one.what}` : plural(this.list.length, 'divergence', 'divergences');
  }
}
