// Step mode: the decoding of a contrasted column, token by token and each token in four phases, for a room that watches.

import { el, fill, formula } from '../assets/dom.js';
import { Choice } from './choice.js';
import { Dials } from './dials.js';
import { MAIN_METHOD } from './methods.js';
import { drop } from './motion.js';
import { placeWords, showInvisible } from './numbers.js';
import { Rows } from './rows.js';

const phases = (who, amateur = 'base') => [`For ${who}: π_user`, 'The cut: V_head', `Less ${amateur}: π_base`, 'The winner'];
const PHASES = 4;
const SPEEDS = { slow: 2600, medium: 1500, fast: 550 }; // milliseconds a phase

export class Steps {
  /** @param {import('./model.js').Model} model */
  constructor(model) {
    this.model = model;
    this.at = { method: null, index: 0, phase: 0 };
    /** @type {{ alpha: number, tau: number } | null} what the sliders of this decision say; null: its own */
    this.settings = null;
    this.due = 0; // the frame in which a slider's move is drawn
    this.playing = null;
    const button = (name, label, press) => el(`button.quiet.${name}`, { type: 'button', 'aria-label': label, title: label, onclick: press });
    this.play = button('play', 'Play', () => this.toggle());
    this.back = button('back', 'One phase back', () => this.move(-1));
    this.forward = button('forward', 'One phase forward', () => this.move(1));
    this.scrub = el('input', { type: 'range', min: 1, max: 1, value: 1, 'aria-label': 'Token', oninput: () => this.jump(Number(this.scrub.value) - 1, 3) });
    this.count = el('span.count', {});
    this.speed = el('select', { 'aria-label': 'Speed' }, Object.keys(SPEEDS).map((name) => el('option', { value: name, selected: name === 'medium' }, name)));
    this.which = el('select', { 'aria-label': 'Column', onchange: () => this.open(this.which.value, 0) });
    this.full = el('button.quiet.full', { type: 'button', hidden: !document.fullscreenEnabled, onclick: () => this.fullScreen() }, 'Full screen');
    this.tabs = phases('you').map((_, phase) => el('button.phase', { type: 'button', onclick: () => this.jump(this.at.index, phase) },
      el('span.n', { 'aria-hidden': true }, phase + 1), el('span.name', {})));
    this.text = el('p.text', { tabindex: 0, role: 'group', 'aria-label': 'The text so far' });
    this.rows = new Rows();
    this.dials = new Dials((settings) => this.suppose(settings));
    this.sum = el('div.sum', {});
    this.sentence = el('p.sentence', {});
    this.announcement = el('p.heard', { 'aria-live': 'polite' });
    this.empty = el('p.empty', {}, 'Once a comparison is there, its CoPe column can be gone through here, one decision at a time.');
    this.stage = el('div.stage', { hidden: true },
      el('div.controls', {}, el('div.buttons', {}, this.back, this.play, this.forward), this.scrub, this.count, this.which, this.speed, this.full),
      this.text, el('div.phases', { role: 'group', 'aria-label': 'Phase of this token' }, this.tabs), this.sentence,
      el('div.board', {}, el('div.decision', {}, this.rows.node, this.dials.node), this.sum), this.announcement);
    this.node = el('section.cope-steps', { 'aria-label': 'Step mode: space plays and pauses, arrow keys step' }, this.empty, this.stage);
    this.node.addEventListener('keydown', (event) => this.key(event));
    document.addEventListener('fullscreenchange', () => { this.full.textContent = this.isFull() ? 'Leave full screen' : 'Full screen'; });
    model.on('run', () => { this.pause(); this.open(null, 0); });
    model.on('tokens', () => (this.drawn ? this.grew() : this.refresh()));
    model.on('branch', () => { this.pause(); this.drawn = null; this.refresh(); });
    model.on('selection', () => this.follow());
    this.refresh();
  }

  get methods() {
    return (this.model.run?.methods || []).filter((method) => this.model.contrasts(method) && this.model.columns[method].tokens.length);
  }

  get tokens() {
    return this.model.columns[this.at.method]?.tokens || [];
  }

  // -- going about ----------------------------------------------------------------------------------------------------

  // Shows a token of a column at a phase, 0 to 3.
  open(method, index, phase = 0) {
    if (method !== this.at.method || index !== this.at.index) this.settings = null;
    this.at = { method, index, phase };
    this.refresh();
  }

  // Other settings for this one decision; the text before it stays as it is. What they lead to is shown.
  suppose(settings) {
    this.pause();
    this.settings = settings;
    if (settings) this.at.phase = 3;
    this.due ||= requestAnimationFrame(() => { this.due = 0; this.refresh(true); }); // of all that a move tells, the last is drawn once a frame
  }

  jump(index, phase) {
    this.pause();
    this.open(this.at.method, Number(index), phase);
  }

  // A phase on or back, over the borders of tokens. Returns whether there was one.
  move(by, pause = true) {
    if (pause) this.pause();
    const place = this.at.index * PHASES + this.at.phase + by;
    if (place < 0 || place >= this.tokens.length * PHASES) return false;
    this.open(this.at.method, Math.floor(place / PHASES), place % PHASES);
    return true;
  }

  toggle() {
    if (this.playing) { this.pause(); return; }
    if (this.at.index === this.tokens.length - 1 && this.at.phase === 3) this.open(this.at.method, 0);
    this.label(true);
    const on = () => {
      if (this.move(1, false)) this.playing = setTimeout(on, SPEEDS[this.speed.value]);
      else if (this.model.run?.going) this.playing = setTimeout(on, 300);
      else this.pause();
    };
    this.playing = setTimeout(on, SPEEDS[this.speed.value] / 2);
    this.refresh();
  }

  pause() {
    clearTimeout(this.playing);
    this.playing = null;
    this.label(false);
  }

  label(playing) {
    this.play.classList.toggle('on', playing);
    this.play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
    this.play.title = playing ? 'Pause' : 'Play';
  }

  // A token that was pinned in the columns is gone to here as well.
  follow() {
    const chosen = this.model.selection;
    if (!chosen?.pinned || !this.methods.includes(chosen.method)) return;
    if (chosen.method !== this.at.method || chosen.index !== this.at.index) { this.pause(); this.open(chosen.method, chosen.index); }
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || this.stage.hidden) return;
    const own = event.target.closest('select, input');
    if (event.key === ' ' && !event.target.closest('button, select')) this.toggle();
    else if (own) return;
    else if (event.key === 'ArrowRight') this.move(1);
    else if (event.key === 'ArrowLeft') this.move(-1);
    else if (event.key === 'Home') this.jump(0, 0);
    else if (event.key === 'End') this.jump(this.tokens.length - 1, 3);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  isFull() {
    return document.fullscreenElement === this.node;
  }

  fullScreen() {
    if (this.isFull()) document.exitFullscreen();
    else this.node.requestFullscreen().catch(() => {});
  }

  // -- drawing --------------------------------------------------------------------------------------------------------

  // The phases are called by the person's name.
  name() {
    const { who } = this.model.run;
    if (this.named === who) return;
    this.named = who;
    phases(who, this.model.amateur(this.at.method)).forEach((name, phase) => {
      const place = this.tabs[phase].querySelector('.name');
      place.replaceChildren();
      fill(place, formula(name));
    });
  }

  grew() {
    this.scrub.max = String(this.tokens.length);
    this.count.textContent = placeWords(this.tokens, this.at.index);
  }

  /** @param {boolean} [dragged] whether a slider of this decision moves */
  refresh(dragged = false) {
    const { methods } = this;
    if (!methods.includes(this.at.method)) this.at = { method: methods[methods.indexOf(MAIN_METHOD)] || methods[0] || null, index: 0, phase: 0 };
    this.stage.hidden = this.at.method === null;
    this.empty.hidden = !this.stage.hidden;
    if (this.stage.hidden) { this.drawn = null; return; }
    this.at.index = Math.min(this.at.index, this.tokens.length - 1);
    const { method, index, phase } = this.at;
    this.name();
    this.grew();
    this.scrub.value = String(index + 1);
    this.which.hidden = methods.length < 2;
    if (this.which.options.length !== methods.length || this.which.value !== method) {
      this.which.replaceChildren(...methods.map((name) => el('option', { value: name, selected: name === method }, this.model.name(name))));
    }
    this.tabs.forEach((tab, number) => (number === phase ? tab.setAttribute('aria-current', 'step') : tab.removeAttribute('aria-current')));
    const token = this.tokens[index];
    const won = phase === 3 && (this.drawn !== token || this.stage.dataset.phase !== '3');
    this.drawn = token;
    this.choice = new Choice(this.model, method, index, { settings: this.settings });
    this.write();
    this.stage.dataset.phase = String(phase);
    this.rows.draw(this.choice, /** @type {import('./rows.js').Phase} */ (phase), dragged);
    this.dials.draw(this.choice);
    if (won) drop(this.rows.word(this.choice.chosen.id), this.text.querySelector('mark'), this.stage);
    this.sum.replaceChildren(...this.choice.equations(phase));
    this.sentence.replaceChildren();
    fill(this.sentence, this.choice.sentence(phase));
    if (!dragged && (!this.playing || phase === 3)) this.announcement.textContent = `Token ${index + 1}: ${this.sentence.textContent}`;
  }

  // The text up to the token of this step, which shows from the phase of the winner on.
  write() {
    const { index, phase } = this.at;
    const before = this.tokens.slice(0, index).map((token) => token.text).join('');
    const { chosen, moved } = this.choice;
    const now = moved ? chosen.text : this.tokens[index].text;
    const word = phase === 3 ? el(moved ? 'mark.would' : 'mark', {}, now.trim() === '' ? showInvisible(now) : now) : el('mark.open', {}, '\u2002?\u2002');
    this.text.replaceChildren(before, word);
    this.text.scrollTop = this.text.scrollHeight;
  }
}
