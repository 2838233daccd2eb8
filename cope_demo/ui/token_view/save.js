// Taking a comparison away: as JSON, as CSV, as a picture, and as one file that works without a server.

import { el } from '../assets/dom.js';
import { dropdown } from './legend.js';
import { rank, rankWords } from './numbers.js';
import { Picture } from './picture.js';

// The trace in the schema of `compare --json`: what the model adds for itself stays out.
const HEADER = ['model', 'user', 'task', 'prompt', 'alpha', 'tau', 'repetition_penalty', 'prompt_ids'];
/** @param {import('./model.js').Model} model */
export const traceOf = (model) => {
  const bare = ({ id, text, logp_user, logp_base, reward, score, in_head }) => ({ id, text, logp_user, logp_base, reward, score, in_head });
  const columns = model.run.methods.map((method) => {
    const { tokens, stopped } = model.columns[method];
    return {
      method, text: tokens.map((token) => token.text).join(''), stopped, ...(model.prompt(method) === null ? {} : { prompt: model.prompt(method) }),
      tokens: tokens.map((token) => ({ ...bare(token), head_size: token.head_size, alternatives: token.alternatives.map(bare) })),
    };
  });
  const { against } = model.run.header;
  return { ...Object.fromEntries(HEADER.map((name) => [name, model.run.header[name]])), columns, ...(against ? { against } : {}) };
};

// One row a token. A text stands as a JSON string in its cell: on one line, and never read as a formula.
const CSV_HEAD = ['method', 'index', 'id', 'text_json', 'logp_user', 'logp_base', 'reward', 'score', 'in_head', 'head_size', 'rank_base', 'overruled', 'branched'];
/** @param {import('./model.js').Model} model */
export const csvOf = (model) => {
  const cell = (value) => (typeof value === 'string' ? `"${value.replace(/"/g, '""')}"` : String(value));
  const rows = model.run.methods.flatMap((method) => {
    const forks = new Set(model.forks(method).map((fork) => fork.at));
    return model.columns[method].tokens.map((token, index) => [
      method, index, token.id, ascii(JSON.stringify(token.text)), token.logp_user, token.logp_base, Number(token.reward.toFixed(6)), token.score, Number(token.in_head),
      token.head_size, token.alternatives.length ? rankWords(rank(token, 'logp_base')) : '', Number(model.isOverruled(method, index)), Number(forks.has(index)),
    ]);
  });
  return [CSV_HEAD, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
};

/**
 * JSON that may stand in a script of a page, and that any reader of files takes: lone halves of characters are escaped.
 * @param {string} json
 */
export const ascii = (json) => json.replace(/[<\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * The comparison as messages of the wire, forks included: what a page without a server reads.
 * @param {import('./model.js').Model} model
 * @returns {string}
 */
export const messagesOf = (model) => {
  const { who, methods, decoding, header } = model.run;
  const other = ({ id, text, logp_user, logp_base, score, in_head }) => [id, text, logp_user, logp_base, score, Number(in_head)];
  const row = (method, index, token) => {
    const [id, text, user, base, score, inHead] = other(token);
    return [method, index, id, text, user, base, score, inHead, token.head_size, token.alternatives.map(other)];
  };
  /** @type {Record<string, any>[]} */
  const list = [{ t: 'start', run: 'file', who, methods, decoding, ...header }];
  for (const method of methods) {
    const { tokens, stopped } = model.columns[method];
    let from = 0;
    for (const { at, alpha, tau, forced, was } of model.forks(method)) {
      const before = tokens.slice(from, at).map((token, number) => row(method, from + number, token));
      list.push({ t: 'tokens', seq: 0, rows: was ? [...before, row(method, at, was)] : before }, { t: 'branch', run: 'file', method, at, alpha, tau, forced });
      from = at;
    }
    list.push({ t: 'tokens', seq: 0, rows: tokens.slice(from).map((token, number) => row(method, from + number, token)) }, { t: 'end', method, stopped });
  }
  return [...list, { t: 'done', seconds: null }, ...(model.lesson ? [model.lesson] : [])].map((message) => `${JSON.stringify(message)}\n`).join('');
};

export class Save {
  /**
   * @param {import('./model.js').Model} model
   * @param {import('./legend.js').Legend} legend
   * @param {HTMLElement} root
   * @param {(() => Promise<string>) | null} emptyPage brings the page without data; null where there is none to bring
   * @param {(sentence: string) => void} fail says what did not work
   */
  constructor(model, legend, root, emptyPage, fail) {
    this.model = model;
    this.legend = legend;
    this.root = root;
    this.emptyPage = emptyPage;
    this.fail = fail;
    const choice = (name, words, act) => el('button', { type: 'button', onclick: () => { this.node.open = false; act(); } }, name, el('span', {}, words));
    this.node = dropdown('save', 'Save', [
      choice('Picture (PNG)', 'the columns with legend and settings', () => this.picture()),
      emptyPage ? choice('Page (HTML)', 'one file that explains itself without a server', () => this.page()) : null,
      choice('Data (JSON)', 'the whole trace, as the command line writes it', () => this.file('json', 'application/json', JSON.stringify(traceOf(model), null, 1))),
      choice('Table (CSV)', 'one row a token', () => this.file('csv', 'text/csv', csvOf(model))),
    ]);
  }

  file(ending, type, content) {
    const link = el('a', { href: URL.createObjectURL(new Blob([content], { type })), download: `cope-comparison.${ending}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  picture() {
    const canvas = new Picture(this.model, this.legend, this.root).canvas;
    canvas.toBlob((blob) => (blob ? this.file('png', 'image/png', blob) : this.fail('The picture could not be made: the texts are too long for one. Save the page instead.')));
  }

  // The page comes from the server without data; the data go in as text of a JSON script.
  async page() {
    try {
      const template = await this.emptyPage();
      if (typeof template !== 'string') throw new Error('no answer'); // Gradio swallows a failed request
      const data = ascii(JSON.stringify({ messages: messagesOf(this.model) }));
      this.file('html', 'text/html', template.replace('"@data@"', () => data));
    } catch {
      this.fail('The page could not be made, as the server does not answer; please try again in a moment.');
    }
  }
}
