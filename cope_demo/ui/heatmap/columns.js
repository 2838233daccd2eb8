// The three columns: their frames, and their tokens as they come.

const METHODS = ['greedy', 'oppu', 'cope'];
const METHOD_NAMES = { greedy: 'Base, greedy', oppu: 'OPPU', cope: 'CoPe', score: 'Your text' };
const explain = (method, who) => ({
  greedy: 'The model as it is. Each time it takes the word it finds likeliest.',
  oppu: `The model after training on ${who === 'you' ? 'your' : `${who}’s`} texts. It takes its likeliest word.`,
  cope: `Of the words plausible for ${who}, the one ${who} would choose and the base model would not.`,
}[method] || '');

class ColumnView {
  constructor(method, who) {
    this.method = method;
    this.who = who;
    this.tokens = [];
    this.stopped = null;
    this.total = 0;
    this.body = el('div.tokens', { role: 'group', 'aria-label': `${METHOD_NAMES[method]}: no text yet` });
    this.foot = el('p.foot', { 'aria-live': 'polite' });
    this.node = el('section.column', { 'data-method': method, 'aria-label': METHOD_NAMES[method] },
      el('header', {}, el('h3', {}, METHOD_NAMES[method]), el('p', {}, explain(method, who))), this.body, this.foot);
    this.ghost();
  }

  // Before anything has run: lines where the text will be.
  ghost() {
    for (const width of [94, 88, 97, 62]) this.body.appendChild(el('span.ghost', { style: `width:${width}%`, 'aria-hidden': true }));
  }

  begin() {
    this.body.replaceChildren();
    this.node.classList.add('writing');
  }

  add(measure, token) {
    const index = this.tokens.length;
    this.tokens.push(token);
    this.total += token.reward;
    const span = el('span.tok', {
      role: 'button', tabindex: index === 0 ? 0 : -1, 'data-index': index,
      'aria-label': `${spoken(token.text)}, reward ${signed(token.reward)}`,
    });
    this.write(span, token.text);
    this.colour(span, measure, token);
    this.body.appendChild(span);
  }

  colour(span, measure, token) {
    const value = measure.value(token);
    for (const name of [...span.classList]) if (/^r[0np]/.test(name)) span.classList.remove(name);
    span.classList.add(stepClass(step(measure, value)));
    span.dataset.value = value.toFixed(4);
  }

  paint(measure) {
    for (const span of this.body.querySelectorAll('.tok')) this.colour(span, measure, this.tokens[Number(span.dataset.index)]);
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

  end(stopped) {
    this.stopped = stopped;
    this.node.classList.remove('writing');
    this.node.classList.add('ended');
    const why = {
      eos: 'ended by itself', length: 'reached the length limit', stopped: 'stopped by you', broken: 'broke off',
    }[stopped] || '';
    const count = this.tokens.length;
    this.body.setAttribute('aria-label', `${METHOD_NAMES[this.method]}: ${count} tokens; arrow keys move between them`);
    const mean = count ? ['mean reward ', el('b', {}, signed(this.total / count, 2)), ' \u00b7 '] : [];
    this.foot.replaceChildren();
    fill(this.foot, [mean, plural(count, 'token', 'tokens'), why ? ` \u00b7 ${why}` : '']);
  }

  // Keyboard: one stop of the Tab key a column, arrows inside it.
  focus(index) {
    const spans = this.body.querySelectorAll('.tok');
    if (!spans.length) return;
    const target = spans[Math.max(0, Math.min(index, spans.length - 1))];
    for (const span of this.body.querySelectorAll('.tok[tabindex="0"]')) span.setAttribute('tabindex', '-1');
    target.setAttribute('tabindex', '0');
    target.focus();
  }
}
