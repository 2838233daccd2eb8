// Who wrote it? A game on the page and, as one file, without a server. data = { state: "none" | "ready" | "writing" | "done" |
// "problem", who, run, message, rounds }; a round of the server is { prompt, texts: {own, base, cope} }, a file's is sealed already.

import { draw, el, plural, rootOf } from '../assets/dom.js';
import { seal, unseal } from './seal.js';

/** @typedef {{ prompt: string, texts: string[], sealed: string }} Round sealed: who wrote which, not to be read at a glance */

const LETTERS = ['A', 'B', 'C'];
const ascii = (json) => json.replace(/[<\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * The authors in another order.
 * @template T
 * @param {T[]} list
 * @param {() => number} random from 0 to 1
 * @returns {T[]}
 */
export const shuffle = (list, random = Math.random) => {
  const shuffled = [...list];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other], shuffled[last]];
  }
  return shuffled;
};

/** @returns {Round} */
const makeRound = ({ prompt, texts }) => {
  const order = shuffle(Object.keys(texts));
  return { prompt, texts: order.map((by) => texts[by]), sealed: seal(order) };
};

const named = (who) => (who === 'you' ? 'You' : who);

class Game {
  constructor(data, filed) {
    this.who = data.who;
    this.filed = filed; // whether this is the file: then "you" is whoever has sent it
    this.rounds = [];
    this.right = 0;
    this.fooled = 0;
    this.guessed = 0;
    this.list = el('ol.rounds', {});
    this.score = el('p.score', { role: 'status' });
    this.node = el('div', {}, this.list, this.score);
  }

  get author() {
    if (this.who !== 'you') return this.who;
    return this.filed ? 'the person who sent you this' : 'you';
  }

  add(round) {
    this.rounds.push(round);
    const question = this.who === 'you' && !this.filed ? 'Which one did you really write?' : `Which one did ${this.author} really write?`;
    const answer = el('p.answer', {});
    const choices = round.texts.map((text, at) => {
      const by = el('span.by', {}, LETTERS[at]);
      const node = el('button.choice', { type: 'button', onclick: () => this.guess(round, at, choices, answer) }, by, el('span.words', {}, text));
      return { node, by };
    });
    this.list.appendChild(el('li', {}, el('p.asked', {}, `Round ${this.rounds.length}: `, el('q', {}, round.prompt)), el('p.question', {}, question),
      el('div.choices', { role: 'group', 'aria-label': `Round ${this.rounds.length}. ${question}` }, choices.map(({ node }) => node)), answer));
  }

  guess(round, at, choices, answer) {
    const order = unseal(round.sealed);
    if (!order || choices[0].node.getAttribute('aria-disabled')) return;
    const names = { own: this.who === 'you' && this.filed ? 'The person' : named(this.who), base: 'Base', cope: 'CoPe' };
    choices.forEach(({ node, by }, place) => {
      node.setAttribute('aria-disabled', 'true');
      node.classList.add(order[place]);
      by.textContent = `${LETTERS[place]}: ${names[order[place]]}`;
    });
    choices[at].node.classList.add('guessed');
    this.guessed += 1;
    this.right += Number(order[at] === 'own');
    this.fooled += Number(order[at] === 'cope');
    answer.textContent = order[at] === 'own' ? 'Right: that is the real one.'
      : `No: that is ${names[order[at]]}’s. The real one is ${LETTERS[order.indexOf('own')]}.`;
    this.score.textContent = `${this.right} of ${this.guessed} right${this.fooled ? `; CoPe passed for ${this.author} ${this.fooled === 1 ? 'once' : `${this.fooled} times`}` : ''}.`
      + (this.guessed === this.rounds.length && this.guessed > 1 ? ' By chance alone it would be one in three.' : '');
  }
}

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  const { trigger, server } = component;
  const filed = !trigger;
  const start = el('button.quiet', { type: 'button', onclick: () => { begin(); } });
  const send = el('button.quiet', { type: 'button', onclick: () => { save(); } }, 'Save the test as a file for a friend (HTML)');
  const status = el('p.told', { role: 'status' });
  const place = el('div', {});
  let game, run;

  const begin = () => { start.disabled = true; status.textContent = 'Beginning\u2026'; trigger('begin', { run }); };
  const save = async () => {
    try {
      const template = await server.blind_page('');
      if (typeof template !== 'string') throw new Error('no answer'); // Gradio swallows a failed request
      const data = ascii(JSON.stringify({ state: 'done', who: game.who, run: 'file', rounds: game.rounds }));
      const link = el('a', { href: URL.createObjectURL(new Blob([template.replace('"@data@"', () => data)], { type: 'text/html' })), download: 'who-wrote-it.html' });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
      status.textContent = 'who-wrote-it.html holds these texts and the game. Nothing was sent: you decide who gets it.';
    } catch {
      status.textContent = 'The file could not be made, as the server does not answer; please try again in a moment.';
    }
  };

  draw(component, (data) => {
    if (data.state === 'none') { root.replaceChildren(); return; }
    if (data.state === 'ready' || filed) {
      run = data.run;
      game = new Game(data, filed);
      place.replaceChildren(game.node);
      start.disabled = false;
      start.textContent = data.who === 'you' ? 'Can you tell your own sentence from CoPe’s?' : `Can you tell ${data.who}’s own sentence from CoPe’s?`;
      status.textContent = '';
      root.replaceChildren(el(filed ? 'h1' : 'h3', {}, filed ? 'Who wrote it?' : 'The blind test'),
        el('p.about', {}, `One text is real and was kept away from the training; the others are the answers to the same instruction of base, a language model, and of CoPe, which learned to write like ${game.author}.`),
        filed ? null : el('div.actions', {}, start, send), status, place);
    }
    if (data.run !== run) return; // of another person, chosen before
    send.hidden = !data.rounds?.length;
    if (!data.rounds) return;
    for (const round of data.rounds.slice(game.rounds.length)) game.add(round.sealed ? round : makeRound(round));
    start.hidden = data.state === 'done' && !filed;
    start.disabled = data.state === 'writing';
    status.classList.toggle('failed', data.state === 'problem');
    status.textContent = data.state === 'done' ? (filed ? '' : `${plural(data.rounds.length, 'round', 'rounds')}: press the text that you take for the real one.`) : data.message;
  });
}
