// The comparison's data, without a page: what the server sent, what is selected, and what other settings would have chosen.
// Parts of the view take a model, draw into a node of their own, and listen:
//   run      a comparison begins (or the empty page is shown)     tokens   {method, from}: tokens were added
//   end      {method}: a column has ended                         done     the comparison has ended, also by a fault
//   branch   {method, at}: a column was cut there, or put back    selection, whatif   these have changed
//   undo     {method}: a branch of the column was taken back
//   lesson   the comparison is a lesson's, and its text has come

import { findMethod } from './methods.js';
import { readToken } from './token.js';
import { findFavourite, findWinner, TOLERANCE } from './winner.js';

/** @typedef {import('./token.js').Token} Token */

/**
 * @typedef {object} Column
 * @property {string} method
 * @property {Token[]} tokens
 * @property {string | null} stopped why it ended; null while it is written
 * @property {Fork | null} branch the latest fork
 * @property {number} [checked] how many tokens `sampled` was found from
 * @property {boolean} [sampled]
 */

/**
 * @typedef {object} Fork where a column was cut and went on
 * @property {number} at
 * @property {number} alpha
 * @property {number} tau
 * @property {boolean} forced whether the visitor chose the token there
 * @property {Token | null} was the token that stood there
 * @property {{ tokens: Token[], stopped: string | null, branch: Fork | null }} before
 * @property {() => void} undo
 */

/**
 * @typedef {object} Run
 * @property {string} id
 * @property {string} who
 * @property {Record<string, any>} header the trace's fields but its columns
 * @property {{ max_new_tokens: number, temperature: number, seed: number } | null} decoding null where it is not known (a saved trace)
 * @property {string[]} methods
 * @property {boolean} going
 * @property {Record<string, any>} [likeness]
 */

export class Model {
  constructor() {
    /** @type {Record<string, ((data?: any) => void)[]>} */
    this.listeners = {};
    /** @type {Run} null before the first message */
    this.run = null;
    /** @type {Record<string, Column>} by method */
    this.columns = {};
    /** @type {{ method: string, index: number, pinned: boolean } | null} */
    this.selection = null;
    this.what_if = { alpha: 0, tau: 0 };
    /** @type {{ method: string, at: number, alpha: number, tau: number, forced: boolean } | null} a continuation that was asked for */
    this.requested = null;
    /** @type {Record<string, any> | null} the message of a lesson */
    this.lesson = null;
  }

  /**
   * @param {string} event
   * @param {(data?: any) => void} listener
   */
  on(event, listener) {
    (this.listeners[event] ||= []).push(listener);
  }

  /**
   * @param {string} event
   * @param {object} [data]
   */
  emit(event, data) {
    for (const listener of this.listeners[event] || []) listener(data);
  }

  /** @param {Record<string, any>} message "start" or "idle" of wire.py */
  begin({ t, run, who, methods, message, nonce, decoding = null, ...header }) {
    this.run = { id: run, who, header, decoding, methods, going: t === 'start' };
    this.columns = {};
    for (const method of this.run.methods) this.columns[method] = { method, tokens: [], stopped: null, branch: null };
    this.what_if = { alpha: header.alpha ?? 0, tau: header.tau ?? 0 };
    this.selection = null;
    this.requested = null;
    this.lesson = null;
    this.emit('run');
  }

  /** @param {Record<string, any>} message "lesson" of wire.py; its comparison has been read before */
  setLesson(message) {
    this.lesson = message;
    this.emit('lesson');
  }

  // A lesson's column may be a further run of a method: header.variants has {of, name, alpha, tau} by column.
  variant(method) {
    return this.run.header.variants?.[method] || {};
  }

  /** @param {string} method @returns {import('./methods.js').Method} of a variant, the method that it varies */
  method(method) {
    return findMethod(this.run.header.table, this.variant(method).of || method);
  }

  // Whether base is subtracted.
  contrasts(method) { return this.method(method).driver === 'contrast'; }

  // Whether base decides, and the person's model reads along.
  isDecidedByBase(method) { return this.method(method).driver === 'base'; }

  // How the model is called that the person's stands against: base, or another person.
  amateur(method) { return this.method(method).amateur || 'base'; }

  // Whether the text was given, not decoded; its score is the reward.
  isGiven(method) { return this.method(method).driver === 'given'; }

  name(method) {
    return this.variant(method).name || this.method(method).label;
  }

  // The prompt that a column has for itself; null where it is the visitor's.
  prompt(method) {
    return this.run.header.prompts?.[method] ?? null;
  }

  // rows: as wire.py describes them.
  add(rows) {
    const from = {};
    for (const [method, index, ...told] of rows) {
      const column = this.columns[method];
      if (!column || index !== column.tokens.length) continue;
      const alphas = { decided: this.settings(method, index).alpha, reward: this.variant(method).alpha ?? this.run.header.alpha ?? 0 };
      column.tokens.push(readToken(told, this.method(method).driver, alphas));
      from[method] ??= index;
    }
    for (const [method, index] of Object.entries(from)) this.emit('tokens', { method, from: index });
  }

  end(method, stopped) {
    const column = this.columns[method];
    if (!column || column.stopped !== null) return;
    column.stopped = stopped;
    this.emit('end', { method });
  }

  // The stream is over; columns that have not ended by themselves end for this reason.
  finish(stopped) {
    if (!this.run) return;
    this.run.going = false;
    this.requested = null;
    for (const method of this.run.methods) this.end(method, stopped);
    this.emit('done');
  }

  // -- selection and what-if ------------------------------------------------------------------------------------------

  select(method, index, pinned = false) {
    const now = this.selection;
    if (!this.columns[method]?.tokens[index]) return;
    if (now && now.method === method && now.index === index && now.pinned === pinned) return;
    this.selection = { method, index, pinned };
    this.emit('selection');
  }

  clear() {
    const was = this.selection;
    this.selection = null;
    if (was) this.emit('selection');
    if (was?.pinned) this.setWhatIf(this.run.header.alpha ?? 0, this.run.header.tau ?? 0); // its panel is gone
  }

  get selected() {
    return this.selection && this.columns[this.selection.method]?.tokens[this.selection.index] || null;
  }

  setWhatIf(alpha, tau) {
    this.what_if = { alpha, tau };
    this.emit('whatif');
  }

  // The settings that a token was decoded with: the run's, or those of the latest fork at or before it.
  settings(method, index) {
    const { alpha = 0, tau = 0 } = { ...this.run.header, ...this.variant(method) };
    const fork = this.forks(method).filter((one) => one.at <= index).pop();
    return fork ? { alpha: fork.alpha, tau: fork.tau } : { alpha, tau };
  }

  // -- what decides ---------------------------------------------------------------------------------------------------

  // Whether the alternatives tell what other settings would choose: contrast decides, and nothing is sampled.
  hasWhatIf(method) {
    return this.contrasts(method) && this.columns[method]?.tokens.some((token) => token.alternatives.length > 1) && !this.isSampled(method);
  }

  // Whether tokens were sampled. A saved trace does not say so; there it shows where a token that scored less was taken.
  isSampled(method) {
    if (this.run.decoding) return this.run.decoding.temperature > 0;
    const column = this.columns[method];
    if (!this.contrasts(method)) return false;
    if (column.checked !== column.tokens.length) {
      column.checked = column.tokens.length;
      column.sampled = column.tokens.some((token) => token.alternatives.some((other) => other.in_head && other.score > token.score + TOLERANCE));
    }
    return column.sampled;
  }

  /**
   * Where other settings would have chosen another token, after the text before it.
   * @param {string} method
   * @param {{ alpha: number, tau: number }} [settings]
   * @returns {{ index: number, winner: import('./token.js').Candidate }[]}
   */
  changes(method, { alpha, tau } = this.what_if) {
    const { header } = this.run;
    const moved = alpha !== header.alpha || tau !== header.tau;
    if (!this.hasWhatIf(method) || (header.variants && !moved)) return [];
    const found = [];
    const forced = new Set(this.forks(method).filter((fork) => fork.forced).map((fork) => fork.at));
    this.columns[method].tokens.forEach((token, index) => {
      const own = this.settings(method, index);
      if (forced.has(index) || !token.alternatives.length || (own.alpha === alpha && own.tau === tau)) return;
      const winner = findWinner(token, alpha, tau);
      if (winner.id !== token.id) found.push({ index, winner });
    });
    return found;
  }

  // Whether contrast chose another token than the favourite.
  isOverruled(method, index) {
    const token = this.columns[method].tokens[index];
    return this.contrasts(method) && !this.isSampled(method) && !this.isForced(method, index) && findFavourite(token).id !== token.id;
  }

  // -- branches -------------------------------------------------------------------------------------------------------

  /**
   * The forks that the column's text goes through, from left to right.
   * @param {string} method
   * @returns {Fork[]}
   */
  forks(method) {
    const list = [];
    for (let fork = this.columns[method]?.branch; fork; fork = fork.before.branch) {
      if (!list.length || fork.at < list[0].at) list.unshift(fork);
    }
    return list;
  }

  isForced(method, index) {
    return this.forks(method).some((fork) => fork.forced && fork.at === index);
  }

  // Whether a column can go on from one of its tokens: it was decoded here, by this method as it is.
  canContinue(method) {
    return !!this.run?.decoding && !this.isGiven(method) && !this.variant(method).of;
  }

  // What to ask the server for: the column up to `at`, then the token `id`, then on with these settings.
  requestContinuation(method, at, id, { alpha, tau }, forced) {
    const { user, prompt, repetition_penalty, against } = this.run.header;
    this.requested = { method, at, alpha, tau, forced };
    const ids = [...this.columns[method].tokens.slice(0, at).map((token) => token.id), id];
    return { user, prompt, method, ids, alpha, tau, repetition_penalty, ...(against ? { against } : {}), ...this.run.decoding };
  }

  // The server continues a column from its token number `at`, with what was asked for or a saved page tells; kept for `undo`.
  fork({ method, at, ...saved }) {
    const column = this.columns[method];
    if (!column) return;
    const settings = this.requested?.method === method && this.requested.at === at ? this.requested : { ...this.settings(method, at), forced: true, ...saved };
    const { tokens, stopped, branch } = column;
    column.branch = {
      at, alpha: settings.alpha, tau: settings.tau, forced: settings.forced, was: tokens[at] || null,
      before: { tokens, stopped, branch }, undo: () => this.undo(method),
    };
    column.tokens = tokens.slice(0, at);
    column.stopped = null;
    this.requested = null;
    this.run.going = true;
    // What was looked at further on is gone; the token that takes its place is the one to look at.
    if (this.selection?.method === method && this.selection.index > at) this.selection = { ...this.selection, index: at };
    this.emit('branch', { method, at });
  }

  undo(method) {
    const column = this.columns[method];
    if (!column?.branch || this.run.going) return;
    const { at, before } = column.branch;
    Object.assign(column, before);
    this.emit('branch', { method, at });
    this.emit('undo', { method });
    if (!this.selected) this.clear();
  }
}
