// The words that contrast suppressed, sortable; a word opens its places, and a place its comparison.

import { el, fill, plural, signed } from '../assets/dom.js';
import { percent, showInvisible } from '../token_view/numbers.js';
import { findMethod } from '../token_view/methods.js';
import { CONTEXT } from './digest.js';
import { listSuppressed, ORDERS } from './summary.js';

const WORDS = 30; // shown at once
const PLACES = 10; // of a word

// The text before a place: where it was cut, it begins with a whole word.
const cutAtWord = (before) => ([...before].length < CONTEXT ? before : `…${before.replace(/^\S*\s/, '')}`);
// A word in an element, the space before it outside.
const apart = (spec, word) => {
  const [, space, rest] = word.match(/^(\s*)(.*)$/s);
  return rest ? [space, el(spec, {}, rest)] : el(spec, {}, showInvisible(word));
};

export class SuppressedList {
  /**
   * @param {Record<string, any>} table of methods
   * @param {(user: string) => string} name
   * @param {(digest: import('./digest.js').Digest, method: string, index: number) => void} show opens a comparison at a token
   */
  constructor(table, name, show) {
    this.table = table;
    this.name = name;
    this.show = show;
    this.digests = [];
    this.limit = WORDS;
    this.order = el('select', { onchange: () => this.draw() }, Object.entries(ORDERS).map(([value, { label }]) => el('option', { value }, label)));
    this.method = el('select', { onchange: () => this.draw() });
    this.search = el('input', { type: 'search', oninput: () => this.draw() });
    this.count = el('p.count', { role: 'status' });
    this.rows = el('div.rows', {});
    this.more = el('button.quiet', { type: 'button', onclick: () => { this.limit += WORDS; this.draw(true); } }, 'Show more words');
    this.node = el('div.suppressed', {}, el('div.filters', {}, el('label', {}, 'Sort by ', this.order), el('label', {}, 'Method ', this.method), el('label', {}, 'Word ', this.search)),
      this.count, el('p.heads', { 'aria-hidden': true }, ['the favourite', '', 'places', 'gain, nats', 'what was taken instead'].map((words) => el('span', {}, words))), this.rows, this.more);
  }

  take(digests) {
    this.digests = digests;
    const methods = [...new Set(digests.flatMap((one) => one.overruled.map(([method]) => method)))];
    const chosen = this.method.value;
    this.method.replaceChildren(el('option', { value: '' }, 'all'), ...methods.map((value) => el('option', { value, selected: value === chosen }, findMethod(this.table, value).label)));
    this.draw();
  }

  draw(longer = false) {
    if (!longer) this.limit = WORDS;
    const order = /** @type {keyof typeof ORDERS} */ (this.order.value);
    const found = listSuppressed(this.digests, { method: this.method.value, order, search: this.search.value });
    const cases = found.reduce((sum, row) => sum + row.count, 0);
    this.count.textContent = cases ? `${plural(found.length, 'word', 'words')} at ${cases.toLocaleString('en')}\u00a0${cases === 1 ? 'place' : 'places'}.` : 'None.';
    const most = Math.max(1, ...found.map((row) => row.count));
    this.rows.replaceChildren(...found.slice(0, this.limit).map((row) => this.word(row, most)));
    this.more.hidden = found.length <= this.limit;
  }

  word(row, most) {
    const places = el('ol.places', {});
    const taken = [...new Set(row.cases.map((one) => one.chosen))].slice(0, 5);
    const node = el('details', { ontoggle: () => { if (node.open && !places.firstChild) this.fill(places, row.cases, PLACES); } },
      el('summary', {}, el('code', {}, showInvisible(row.word)), el('span.bar', { 'aria-hidden': true }, el('i', { style: `width:${(100 * row.count) / most}%` })),
        el('span.times', {}, `${row.count}\u00d7`), el('span.gain', {}, signed(row.gain, 2), el('span.heard', {}, ' nats on average')),
        el('span.taken', {}, 'gave way to ', taken.map((word, n) => [n ? ', ' : '', el('code', {}, showInvisible(word))]))), places);
    return node;
  }

  fill(places, cases, limit) {
    const shown = cases.slice(0, limit).map((one) => this.place(one));
    const rest = cases.length - limit;
    const more = rest > 0 ? el('li', {}, el('button.quiet', { type: 'button', onclick: () => this.fill(places, cases, limit + 5 * PLACES) }, `${rest} more`)) : null;
    places.replaceChildren();
    fill(places, [shown, more]);
  }

  place({ digest, method, index, chosen, favourite, gain, logps: [user, base, favouriteUser, favouriteBase], before }) {
    const { header } = digest;
    const who = this.name(header.user);
    const other = header.against && findMethod(this.table, method).amateur ? this.name(header.against) : 'base';
    const numbers = `${showInvisible(chosen)} ${percent(user)} for ${who}, ${percent(base)} for ${other}; ${showInvisible(favourite)} ${percent(favouriteUser)}, ${percent(favouriteBase)}; ahead by ${gain.toFixed(2)} nats.`;
    return el('li', {}, el('button.place', { type: 'button', onclick: () => this.show(digest, method, index) },
      el('span.text', { dir: 'auto' }, cutAtWord(before), apart('s', favourite), apart('b', chosen)),
      el('span.facts', {}, `${who}, alpha ${header.alpha}, ${findMethod(this.table, method).label}. ${numbers}`)));
  }
}
