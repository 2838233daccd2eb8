// The columns: their frames, and their tokens as they come.

const METHODS = ['greedy', 'oppu', 'cope'];
const METHOD_NAMES = { greedy: 'Base, greedy', oppu: 'OPPU', cope: 'CoPe', score: 'Your text', a: 'Text A', b: 'Text B', 'oppu+cd': 'OPPU with contrast', 'oppu+dpo': 'CoPe without contrast' };
const explain = (method, who) => ({
  greedy: 'The model as it is. Each time it takes the word it finds likeliest.',
  oppu: `The model after training on ${who === 'you' ? 'your' : `${who}’s`} texts. It takes its likeliest word.`,
  cope: `Of the words plausible for ${who}, the one ${who} would choose and the base model would not.`,
  a: 'As it was given; no model wrote it.',
  b: 'As it was given; no model wrote it.',
}[method] || '');

class ColumnView {
  constructor(model, method, legend) {
    Object.assign(this, { model, method, legend });
    this.spans = [];
    const name = METHOD_NAMES[method] || method;
    this.body = el('div.tokens', { role: 'group', 'aria-label': `${name}: no text yet` });
    this.foot = el('p.foot', { 'aria-live': 'polite' });
    this.node = el('section.column', { 'data-method': method, 'aria-label': name },
      el('header', {}, el('h3', {}, name), el('p', {}, explain(method, model.run.who))), this.body, this.foot);
    if (model.run.going) this.begin();
    else this.ghost();
  }

  get column() {
    return this.model.columns[this.method];
  }

  // Before anything has run: lines where the text will be.
  ghost() {
    for (const width of [94, 88, 97, 62]) this.body.appendChild(el('span.ghost', { style: `width:${width}%`, 'aria-hidden': true }));
  }

  begin() {
    this.body.replaceChildren();
    this.spans = [];
    this.node.classList.add('writing');
  }

  // Draws the tokens that are not drawn yet.
  extend() {
    const { tokens } = this.column;
    const fresh = document.createDocumentFragment();
    for (let index = this.spans.length; index < tokens.length; index += 1) {
      const token = tokens[index];
      const span = el('span.tok', {
        role: 'button', tabindex: index === 0 ? 0 : -1, 'data-index': index,
        'aria-label': `${spoken(token.text)}, reward ${signed(token.reward)}`,
      });
      this.write(span, token.text);
      this.colour(span, token);
      this.spans.push(span);
      fresh.appendChild(span);
    }
    this.body.appendChild(fresh);
  }

  // The column was cut, or what was cut was put back.
  redraw(at) {
    for (const span of this.spans.splice(at)) span.remove();
    this.node.classList.remove('ended');
    this.node.classList.toggle('writing', this.column.stopped === null);
    this.extend();
    if (this.column.stopped !== null) this.end();
  }

  colour(span, token) {
    const { measure } = this.legend;
    const value = measure.value(token);
    span.className = span.className.replace(/ ?\br[0np]\d?\b/g, '');
    span.classList.add(stepClass(step(measure, value)));
    span.dataset.value = value.toFixed(4);
  }

  paint() {
    this.spans.forEach((span, index) => this.colour(span, this.column.tokens[index]));
  }

  // The node's own text stays exactly the token's; marks for what is invisible are painted by the style sheet.
  write(span, text) {
    if (text === '') span.classList.add('part');
    else if (!text.trim()) span.classList.add('blank');
    for (const piece of text.split(/(\n)/)) {
      if (piece === '\n') span.appendChild(el('span.nl', {}, '\n'));
      else if (piece !== '') span.appendChild(document.createTextNode(piece));
    }
  }

  end() {
    const { tokens, stopped } = this.column;
    this.node.classList.remove('writing');
    this.node.classList.add('ended');
    const why = {
      eos: 'ended by itself', length: 'reached the length limit', stopped: 'stopped by you', broken: 'broke off',
    }[stopped] || '';
    const count = tokens.length;
    const total = tokens.reduce((sum, token) => sum + token.reward, 0);
    this.body.setAttribute('aria-label', `${METHOD_NAMES[this.method]}: ${count} tokens; arrow keys move between them`);
    const mean = count ? ['mean reward ', el('b', {}, signed(total / count, 2)), ' \u00b7 '] : [];
    this.foot.replaceChildren();
    fill(this.foot, [mean, plural(count, 'token', 'tokens'), why ? ` \u00b7 ${why}` : '']);
  }

  // Keyboard: one stop of the Tab key a column, arrows inside it.
  focus(index) {
    if (!this.spans.length) return;
    const target = this.spans[Math.max(0, Math.min(index, this.spans.length - 1))];
    for (const span of this.body.querySelectorAll('.tok[tabindex="0"]')) span.setAttribute('tabindex', '-1');
    target.setAttribute('tabindex', '0');
    target.focus();
  }
}
