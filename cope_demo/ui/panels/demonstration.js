// The first thing on the page: base's and CoPe's answers to one prompt, written at reading speed from what was saved, with a
// halt at each word that contrast put before the person's favourite. data: Saved of demonstration_texts.js.
// Every word is in the page from the beginning, and only becomes visible: nothing moves to another place, and whoever listens
// or asked for no motion has the whole text at once.

import { draw, el, fill, plural, rootOf } from '../assets/dom.js';
import { isCalm } from '../assets/scroll.js';
import { explainOverruled } from '../token_view/why.js';
import { findOverruled, writeText } from './demonstration_texts.js';

const WORD = 190; // milliseconds a token: about 250 words a minute
const HALTS = [6000, 3500]; // at the first overruled word, and at each later one

const goesOn = () => el('span.more', {}, '\u2009\u2026');

/** @param {import('../assets/dom.js').Component} component */
export function mount(component) {
  draw(component, (saved) => new Demonstration(rootOf(component), saved));
}

class Demonstration {
  /**
   * @param {HTMLElement} root
   * @param {import('./demonstration_texts.js').Saved} saved
   */
  constructor(root, saved) {
    this.saved = saved;
    /** @type {HTMLElement[]} */
    this.spans = []; // of CoPe's words
    this.because = el('p.because', {});
    this.base = el('p.text', {}, saved.base.map((text) => el('span', {}, text)), saved.base.length < saved.max_new_tokens ? null : goesOn());
    this.cope = el('p.text', {});
    this.play = el('button.play', { type: 'button', onclick: () => this.press() });
    this.told = el('output', {});
    this.count = el('span.count', { role: 'status' });
    const { most, step, first } = saved.alphas;
    this.slider = el('input', { type: 'range', min: 0, max: most, step, value: first, 'aria-label': 'alpha, the strength of the contrast', oninput: () => this.drag() });
    root.replaceChildren(
      el('p.asked', {}, el('span', {}, 'Prompt'), saved.prompt),
      el('div.texts', {},
        el('section.base', { 'aria-label': 'Base' }, el('h2', {}, 'Base', el('span', {}, 'the model as it is')), this.base),
        el('section.cope', { 'aria-label': 'CoPe' }, el('h2', {}, 'CoPe', el('span', {}, `the same model, writing like ${saved.who} (${saved.occupation}, fictional)`)), this.cope)),
      this.because,
      el('div.controls', {}, this.play,
        el('label', {}, el('span', {}, 'alpha, how strongly base is subtracted'), this.slider, this.told), this.count));
    this.rewrite(first);
    if (isCalm()) this.rest();
    else this.begin();
  }

  // CoPe's text at this alpha, none of it visible yet.
  rewrite(alpha) {
    const { words, whole } = writeText(this.saved, alpha);
    this.words = words;
    // Of what only separates words a sentence would say nothing.
    this.overruled = words.flatMap((word, at) => (/[\p{L}\p{N}]/u.test(word.text) && findOverruled(word) ? [at] : []));
    this.spans = words.map((word, at) => el('span', {}, this.overruled.includes(at) ? this.mark(word.text, at) : word.text));
    this.cope.replaceChildren(...this.spans);
    if (!whole) this.cope.appendChild(goesOn());
    this.told.textContent = alpha.toFixed(2);
    this.count.textContent = alpha === 0 ? 'nothing is subtracted' : `${plural(this.overruled.length, 'word', 'words')} overruled`;
  }

  // An overruled word, to be pressed; the space before it stays outside.
  mark(text, at) {
    const [, space, word] = text.match(/^(\s*)(.*)$/s);
    return [space, el('button.overruled', {
      type: 'button', 'aria-label': `${word}, contrast overruled the favourite`, onclick: () => this.rest(at),
      onfocus: ({ target }) => { if (target.matches(':focus-visible')) this.rest(at); },
    }, word)];
  }

  // -- in time --------------------------------------------------------------------------------------------------------

  begin() {
    this.at = 0;
    this.halted = 0;
    this.because.replaceChildren();
    for (const span of this.all()) span.classList.add('later');
    this.go();
  }

  go() {
    this.label('Pause');
    this.timer = setTimeout(() => this.advance(), WORD);
  }

  advance() {
    const { at } = this;
    for (const span of [this.base.children[at], this.cope.children[at]]) span?.classList.remove('later');
    this.at += 1;
    if (at >= Math.max(this.base.children.length, this.cope.children.length)) { this.rest(); return; }
    const halt = this.overruled.includes(at);
    if (halt) this.explain(at);
    this.timer = setTimeout(() => this.advance(), halt ? HALTS[Math.min(this.halted, HALTS.length - 1)] : WORD);
    if (halt) this.halted += 1;
  }

  all() {
    return [...this.base.children, ...this.cope.children];
  }

  // All of it, standing still.
  rest(at = this.overruled[0]) {
    clearTimeout(this.timer);
    this.timer = null;
    for (const span of this.all()) span.classList.remove('later');
    this.explain(at);
    this.label('Play again');
  }

  label(words) {
    this.play.textContent = words;
    this.play.dataset.does = words.toLowerCase();
  }

  // -- what a person does ---------------------------------------------------------------------------------------------

  press() {
    if (this.timer) {
      clearTimeout(this.timer);
      this.timer = null;
      this.label('Go on');
    } else if (this.play.textContent === 'Go on') this.go();
    else this.begin();
  }

  drag() {
    this.rewrite(Number(this.slider.value));
    this.rest();
  }

  // Why the word stands there.
  explain(at) {
    for (const span of this.spans) span.classList.remove('told');
    this.because.replaceChildren();
    const { who } = this.saved;
    if (at === undefined) {
      fill(this.because, `No word was overruled: each is the favourite for ${who}.`);
      return;
    }
    this.spans[at].classList.add('told');
    fill(this.because, explainOverruled(this.words[at], findOverruled(this.words[at]), { who, amateur: 'base' }));
  }
}
