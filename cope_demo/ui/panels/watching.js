// Watching a model learn: a sentence that it is not shown, coloured by surprise, and its answer to one prompt, at each look.
// data = { prompt, of, looks: [{ at, label, tokens: [text, bits][], written }] } (watching.py).

import { el } from '../assets/dom.js';
import { coloured, legend, mean } from './bits.js';
import { plot } from './plot.js';

const figure = (x) => x.toFixed(1);

/**
 * What there is to say of a look, beside the first one, which is base.
 * @param {{ label: string, tokens: import('./bits.js').Token[] }[]} looks
 * @param {number} at
 */
export const compareLooks = (looks, at) => {
  const [first, now] = [mean(looks[0].tokens), mean(looks[at].tokens)];
  if (at === 0) return `${figure(now)} bits a token: so surprising is the sentence for base.`;
  const change = now - first;
  const moved = Math.abs(change) < 0.05 ? 'as much as at first' : `${figure(Math.abs(change))} ${change < 0 ? 'less' : 'more'} than at first`;
  return `${figure(now)} bits a token, ${moved}.`;
};

export class Watching {
  constructor() {
    this.looks = [];
    this.follows = true; // the newest look, until somebody goes back
    this.sentence = el('p.sentence', {});
    this.told = el('p.told', { role: 'status' });
    this.range = el('input', { type: 'range', min: 0, step: 1, 'aria-label': 'Look', oninput: () => this.turn(Number(this.range.value)) });
    this.label = el('output', {});
    this.curve = el('div.curve', {});
    this.asked = el('q', {});
    this.answers = el('ol.answers', {});
    this.node = el('section.watching', { 'aria-label': 'Watch it learn' },
      el('h3', {}, 'Watch it learn'),
      el('p.about', {}, 'This sentence was kept away from the training. Each time the model is looked at, it is read anew, and the model answers the same instruction anew.'),
      el('div.looks', {}, el('div', {}, this.sentence, legend(), el('label.back', {}, el('span', {}, 'Look'), this.range, this.label), this.told), this.curve),
      el('p.asked', {}, 'Asked: ', this.asked), this.answers);
  }

  /** @param {{ prompt: string, of: number, looks: any[] }} data @param {number} width pixels that there are */
  update({ prompt, of, looks }, width) {
    const fresh = looks.length !== this.looks.length;
    Object.assign(this, { looks, of });
    this.asked.textContent = prompt;
    const wide = width > 840;
    /** @type {[number, number][]} */
    const points = looks.map((look) => [look.at, mean(look.tokens)]);
    this.curve.replaceChildren(plot({
      title: 'Surprise at it', unit: 'bits a token', points, of, zero: false, later: '', ends: ['base', 'the fit’s end'], marks: true,
    }, Math.max(240, wide ? width * 0.42 : width - 30)));
    if (!fresh) return;
    this.range.max = String(looks.length - 1);
    this.range.closest('label').hidden = looks.length < 2;
    this.answers.replaceChildren(...looks.filter((look) => look.written !== null).map((look) =>
      el('li', {}, el('span.when', {}, look.label), el('span.words', {}, look.written || 'nothing'))));
    this.turn(this.follows ? looks.length - 1 : Math.min(this.shown, looks.length - 1));
  }

  turn(at) {
    const look = this.looks[at];
    this.shown = at;
    this.follows = at === this.looks.length - 1;
    this.range.value = String(at);
    this.range.setAttribute('aria-valuetext', look.label);
    this.label.textContent = look.label;
    this.sentence.replaceChildren(...coloured(look.tokens));
    const words = compareLooks(this.looks, at);
    this.told.textContent = `${look.label.charAt(0).toUpperCase()}${look.label.slice(1)}: ${words}`;
  }
}
