// The page of many comparisons: what they come to, what contrast suppressed, and any of them in the token view.

import { el, fill, plural } from '../assets/dom.js';
import { digestTrace } from './digest.js';
import { drawDistribution } from './distribution.js';
import { SuppressedList } from './list.js';
import { Opened } from './opened.js';

const LARGEST = 50e6; // bytes of a dropped file

/** Draws the page from the data that stand in it. */
export function mount() {
  const data = JSON.parse(document.getElementById('data').textContent);
  const scheme = matchMedia('(prefers-color-scheme: dark)');
  const dress = () => document.body.classList.toggle('dark', scheme.matches);
  scheme.addEventListener('change', dress);
  dress();
  new Page(document.querySelector('.cope-batch'), data);
}

class Page {
  /**
   * @param {HTMLElement} root
   * @param {{ traces: any[], names: Record<string, string>, table: Record<string, any> }} data
   */
  constructor(root, { traces, names, table }) {
    this.traces = traces;
    this.names = names;
    this.table = table;
    this.opened = new Opened(table, (user) => this.name(user));
    this.list = new SuppressedList(table, (user) => this.name(user), (digest, method, index) => this.opened.show(digest, method, index));
    this.status = el('p.status', { role: 'status' });
    this.about = el('p.about', {});
    this.choices = el('div.filters', { role: 'group', 'aria-label': 'Which comparisons' });
    this.spread = el('div.spread', {});
    this.all = el('select', { 'aria-label': 'Comparison', onchange: () => this.open() });
    const file = el('input', { type: 'file', accept: '.json', multiple: true, id: 'files', onchange: () => this.take(file.files) });
    fill(root, [
      el('header', {}, el('h1', {}, 'Many comparisons'), this.about,
        el('p.drop', {}, file, el('label', { for: 'files' }, 'Add traces'), el('span', {}, 'of ', el('code', {}, 'compare --json'), ', or drop them anywhere on the page. Nothing leaves it.')), this.status),
      this.choices,
      el('section', {}, el('h2', {}, 'Person against base, by method'),
        el('p.hint', {}, 'Every token’s log-probability for the person, less that for base (or for whom the column is against), in nats: to the right of the line likelier for the person. The outermost bars hold all that is beyond.'), this.spread),
      el('section', {}, el('h2', {}, 'What does contrast suppress?'),
        el('p.hint', {}, 'The favourites of the personal model that contrast passed over. Open a word for its places; a place opens its comparison.'), this.list.node),
      el('section', {}, el('h2', {}, 'A comparison'), el('label.pick', {}, 'All of them ', this.all), this.opened.node),
    ]);
    this.answerDrop();
    this.refresh();
  }

  name(user) {
    return Object.hasOwn(this.names, user) ? this.names[user] : user;
  }

  // Which of the traces the chosen filters leave.
  get shown() {
    const wanted = Object.fromEntries([...this.choices.querySelectorAll('select')].map((one) => [one.name, one.value]));
    return this.traces.filter(({ header }) => Object.entries(wanted).every(([name, value]) => value === '' || String(header[name]) === value));
  }

  refresh() {
    const values = (name) => [...new Set(this.traces.map((one) => String(one.header[name])))];
    const users = values('user');
    this.about.textContent = this.traces.length ? `${plural(this.traces.length, 'comparison', 'comparisons')} of ${users.map((user) => this.name(user)).join(', ')} by ${values('model').join(', ')}.` : 'No traces yet: add some.';
    const select = (name, label, words) => {
      const list = values(name).sort((a, b) => Number(a) - Number(b));
      return list.length < 2 ? null : el('label', {}, `${label} `, el('select', { name, onchange: () => this.draw() },
        el('option', { value: '' }, 'all'), list.map((value) => el('option', { value }, words(value)))));
    };
    this.choices.replaceChildren();
    fill(this.choices, [select('user', 'Person', (user) => this.name(user)), select('alpha', 'Alpha', (value) => value),
      select('prompt', 'Prompt', (text) => shorten(text))]);
    this.choices.hidden = !this.choices.firstChild;
    this.draw();
  }

  draw() {
    const { shown } = this;
    drawDistribution(this.spread, shown, this.table);
    this.list.take(shown);
    this.all.replaceChildren(el('option', { value: '' }, `choose one of ${shown.length}`), ...shown.map((one, number) =>
      el('option', { value: number }, `${this.name(one.header.user)}, alpha ${one.header.alpha}: ${shorten(one.header.prompt)}`)));
    this.listed = shown;
  }

  open() {
    if (this.all.value !== '') this.opened.show(this.listed[Number(this.all.value)]);
  }

  answerDrop() {
    document.addEventListener('dragover', (event) => event.preventDefault());
    document.addEventListener('drop', (event) => {
      event.preventDefault();
      this.take(event.dataTransfer.files);
    });
  }

  // Files of compare --json join the others; one that is none is named, and nothing of it is taken.
  async take(files) {
    const refused = [];
    let added = 0;
    for (const file of files) {
      try {
        if (file.size > LARGEST) throw new Error('too large');
        const trace = JSON.parse(await file.text());
        this.traces.push({ ...digestTrace(check(trace), this.table), trace });
        added += 1;
      } catch {
        refused.push(file.name);
      }
    }
    if (added) this.refresh();
    this.status.textContent = [added ? `${plural(added, 'trace was', 'traces were')} added.` : '',
      refused.length ? `Not taken, as they are no traces of compare --json: ${refused.join(', ')}.` : ''].filter(Boolean).join(' ');
  }
}

// The trace, if it is one. Throws where something of it is missing.
const check = (trace) => {
  const texts = ['user', 'prompt', 'model'].every((name) => typeof trace[name] === 'string');
  const whole = trace.columns.length && trace.columns.every((column) => typeof column.method === 'string' && column.tokens.every((token) =>
    typeof token.text === 'string' && Number.isFinite(token.logp_user) && Number.isFinite(token.logp_base) && Number.isFinite(token.score) && Array.isArray(token.alternatives)));
  if (!texts || !Number.isFinite(trace.alpha) || !whole) throw new Error('no trace');
  return trace;
};
const shorten = (text) => { const line = text.replace(/\s+/g, ' '); return line.length > 60 ? `${line.slice(0, 57)}…` : line; };
