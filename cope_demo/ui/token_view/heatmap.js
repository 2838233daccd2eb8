// The token view itself: puts the parts together, and answers pointer and keyboard.

import { el, fill, rootOf } from '../assets/dom.js';
import { bring, goTo, windowTop } from '../assets/scroll.js';
import { Bar } from './bar.js';
import { ColumnView, columnsPerRow, expectedLines } from './columns.js';
import { Differences } from './differences.js';
import { Feed } from './feed.js';
import { Inspector } from './inspector.js';
import { Legend } from './legend.js';
import { Model } from './model.js';
import { Save } from './save.js';
import { TableView } from './table.js';
import { addTeachingParts } from './teaching.js';
import { Tooltip } from './tooltip.js';

/**
 * Shows a component's value, the growing text of wire.py.
 * @param {import('../assets/dom.js').Component} component
 * @param {{ teaching?: boolean, address?: string }} [options] teaching: with a lesson's text, a link and step mode; address: see LinkButton
 */
export function mount(component, { teaching = true, address = '' } = {}) {
  const view = new TokenView(component, teaching);
  if (teaching) addTeachingParts(view, address);
}

export class TokenView {
  /**
   * @param {import('../assets/dom.js').Component} component
   * @param {boolean} stoppable whether what is written can be stopped
   */
  constructor(component, stoppable = true) {
    const { trigger, server } = component;
    const model = new Model();
    this.component = component;
    this.model = model;
    this.root = rootOf(component);
    /** Raises an event for the server; null in a standalone file, which has none to ask. */
    this.raise = typeof trigger === 'function' ? trigger : null;
    /** @type {Record<string, ColumnView>} by method */
    this.views = {};
    /** @type {HTMLElement[]} the tokens that the selection marks */
    this.marked = [];
    this.bar = new Bar(model, stoppable && this.raise ? () => this.halt() : null);
    this.feed = new Feed(model, server, (sentence, failed = false) => this.bar.say(sentence, { failed, going: this.feed.going }));
    this.legend = new Legend(model, this.root, () => this.each((view) => { view.paint(); view.sum(); }));
    this.board = el('div.columns', {});
    this.tip = new Tooltip(model, this.root);
    this.inspector = new Inspector(model, {
      close: () => this.close(),
      choose: this.raise && ((method, index, other) => this.branch(method, index, other.id, model.settings(method, index), true)),
      lookUp: server.look_up ? (run, asked) => server.look_up(run, asked) : null,
      continueWith: this.raise && ((method, index, winner) => this.branch(method, index, winner.id, model.what_if, false)),
    });
    this.tables = new TableView(model, (method, index) => this.pin(method, index));
    this.differences = new Differences(model, (method, index) => this.goTo(method, index));
    this.shape = el('select', { 'aria-label': 'Show as', onchange: () => this.reshape() }, el('option', { value: 'tokens' }, 'Tokens'), el('option', { value: 'table' }, 'Table'));
    const emptyPage = server.empty_page ? () => server.empty_page('') : null;
    this.save = new Save(model, this.legend, this.root, emptyPage, (sentence) => this.feed.say(sentence, true));
    this.later = el('div.later', { hidden: true }, this.differences.node, this.shape, this.save.node);
    fill(this.root, [
      this.bar.node, this.later,
      el('div.desk', {}, el('div.written', {}, this.board, this.tables.node), this.inspector.node),
      el('div.tools', {}, this.legend.label, this.legend.adjust), this.legend.node,
    ]);
    this.follow();
    this.answerOutside();
    this.answerPointer();
    this.answerKeys();
    this.read();
  }

  // Reads the value now and whenever it has changed.
  read() {
    const { props, watch } = this.component;
    const read = () => this.feed.read(typeof props.value === 'string' ? props.value : '');
    read();
    watch('value', read);
  }

  each(act) {
    Object.values(this.views).forEach(act);
  }

  // -- what the model tells -------------------------------------------------------------------------------------------

  follow() {
    const { model } = this;
    model.on('run', () => this.layOut());
    model.on('tokens', ({ method }) => { this.views[method].extend(); this.markSelection(); });
    model.on('end', ({ method }) => this.views[method].end());
    model.on('branch', ({ method, at }) => {
      this.tip.hide();
      this.views[method].redraw(at);
      this.markSelection();
      this.each((view) => view.drawBranch());
      this.markChanges();
    });
    model.on('done', () => {
      this.compareWithHistory();
      this.later.hidden = !Object.values(model.columns).some((column) => column.tokens.length);
      this.each((view) => view.drawBranch());
      this.markChanges();
    });
    model.on('whatif', () => this.markChanges());
    model.on('selection', () => {
      this.markSelection();
      this.root.style.paddingBottom = '';
      if (model.selection?.pinned) { this.tip.hide(); this.showPinned(); }
    });
  }

  layOut() {
    const { methods } = this.model.run;
    this.tip.hide();
    this.views = {};
    for (const method of methods) this.views[method] = new ColumnView(this.model, method, this.legend);
    this.root.style.setProperty('--columns', String(columnsPerRow(methods.length)));
    this.root.style.setProperty('--lines', String(expectedLines(this.model.run.decoding?.max_new_tokens)));
    for (const node of [this.board, this.tables.node]) node.classList.toggle('many', methods.length > 3);
    this.board.replaceChildren(...Object.values(this.views).map((view) => view.node));
    this.each((view) => view.paint());
    this.later.hidden = true;
  }

  markChanges() {
    for (const [method, view] of Object.entries(this.views)) view.markChanges(this.model.changes(method));
  }

  // How near the texts are to the history: the server knows, and where there is none, or it does not say, nothing is shown.
  async compareWithHistory() {
    const { server } = this.component;
    const { run, columns } = this.model;
    const texts = Object.fromEntries(run.methods.map((method) => [method, columns[method].tokens.map((token) => token.text).join('')]).filter(([, text]) => text.trim()));
    if (!server.likeness || !Object.keys(texts).length) return;
    const answer = await server.likeness(run.id, texts).catch(() => null);
    if (this.model.run !== run || run.going || !answer || answer.error) return;
    run.likeness = answer;
    this.each((view) => view.sum());
    this.tables.draw();
  }

  // The columns share a selection: the token itself, and softly the token at the same place of the other columns.
  markSelection() {
    const { selection } = this.model;
    for (const span of this.marked) span.classList.remove('open', 'twin');
    this.marked = selection ? Object.values(this.views).map((view) => view.spans[selection.index]).filter(Boolean) : [];
    for (const span of this.marked) span.classList.add(/** @type {HTMLElement} */ (span.closest('.column')).dataset.method === selection.method ? 'open' : 'twin');
  }

  // In a narrow window the panel must not lie over the token that it explains; at the page's end it needs room to scroll. In a wide
  // one both have to be in sight.
  showPinned() {
    const sheet = this.inspector.isSheet();
    if (sheet) this.root.style.paddingBottom = `${this.inspector.node.offsetHeight + 20}px`;
    const span = this.board.querySelector('.open');
    if (span && !this.board.hidden) this.show(span);
    if (sheet) return;
    const [highest, lowest] = this.inspector.placesInSight();
    goTo(Math.max(highest, Math.min(windowTop(), lowest)));
  }

  // Brings a part of the view into the window, between what stands over it at the window's top and at its bottom.
  /** @param {Element} node @param {number} [least] see bring */
  show(node, least) {
    const panel = this.inspector.node;
    bring(node, { floor: this.inspector.isSheet() ? panel.getBoundingClientRect().top : innerHeight, least });
  }

  // -- what a person does ---------------------------------------------------------------------------------------------

  pin(method, index) {
    this.model.select(method, index, true);
  }

  close() {
    const { selection } = this.model;
    const inside = this.root.contains(document.activeElement);
    this.model.clear();
    this.tip.hide();
    if (selection?.pinned && inside) this.views[selection.method]?.focus(selection.index);
  }

  branch(method, at, id, settings, forced) {
    if (this.feed.going) return; // one after the other: also what waits for its place
    if (this.inspector.node.contains(document.activeElement)) this.inspector.node.focus({ preventScroll: true }); // its buttons are drawn anew
    this.bar.hold();
    this.feed.begin('Asking the model to go on…');
    this.raise('branch', this.model.requestContinuation(method, at, id, settings, forced));
  }

  // Stop, pressed in the bar.
  halt() {
    this.raise('halt', {});
    this.feed.stop();
  }

  goTo(method, index) {
    if (this.model.selection?.pinned || this.board.hidden) this.pin(method, index);
    if (this.board.hidden) return;
    const view = this.views[method];
    view.focus(index);
    this.preview({ span: view.spans[index], method, index });
  }

  reshape() {
    const table = this.shape.value === 'table';
    this.board.hidden = table;
    this.tables.show(table);
  }

  // The buttons around the view tell it what was pressed, and what failed.
  answerOutside() {
    this.root.addEventListener('cope-begin', () => {
      if (this.model.requested) return; // a branch: it has been said, and nothing moves
      this.tip.hide();
      this.model.clear();
      this.bar.hold();
      this.feed.begin('Asking the model…');
      bring(this.bar.node, { least: innerHeight * 0.35 }); // the columns' beginning
    });
    this.root.addEventListener('cope-stop', () => this.feed.stop());
    this.root.addEventListener('cope-failed', () => this.feed.fail());
  }

  // Why this token: hover, focus, tap, keyboard. The token that an event is about, or null.
  tokenAt(target) {
    const span = target.closest?.('.tok');
    if (!span || !this.board.contains(span)) return null;
    const { method } = span.closest('.column').dataset;
    return { span, view: this.views[method], method, index: Number(span.dataset.index) };
  }

  preview({ span, method, index }) {
    if (this.model.selection?.pinned) return;
    this.model.select(method, index);
    this.tip.show(span, method, index);
  }

  answerPointer() {
    const { board, model, tip } = this;
    const leave = () => { if (!model.selection?.pinned) tip.hideSoon(); };
    // A move, not pointerover: text that streams or a tip that closes under a resting mouse must not open anything.
    board.addEventListener('pointermove', (event) => {
      if (event.pointerType !== 'mouse') return;
      const hit = this.tokenAt(event.target);
      if (hit && hit.span !== tip.anchor) this.preview(hit);
      else if (hit) tip.stay();
    });
    board.addEventListener('pointerout', (event) => { if (event.pointerType === 'mouse' && this.tokenAt(event.target)) leave(); });
    board.addEventListener('focusin', (event) => {
      const hit = this.tokenAt(event.target);
      if (!hit || !hit.span.matches(':focus-visible')) return;
      if (model.selection?.pinned) this.pin(hit.method, hit.index);
      else this.preview(hit);
    });
    board.addEventListener('focusout', leave);
    board.addEventListener('click', (event) => {
      const hit = this.tokenAt(event.target);
      if (!hit) return;
      const { selection } = model;
      if (selection?.pinned && selection.method === hit.method && selection.index === hit.index) this.close();
      else this.pin(hit.method, hit.index);
    });
  }

  answerKeys() {
    this.board.addEventListener('keydown', (event) => {
      const hit = this.tokenAt(event.target);
      if (!hit) return;
      const last = this.model.columns[hit.method].tokens.length - 1;
      const to = { ArrowRight: hit.index + 1, ArrowLeft: hit.index - 1, Home: 0, End: last }[event.key];
      if (to !== undefined) hit.view.focus(to);
      else if (event.key === 'Enter' || event.key === ' ') {
        this.pin(hit.method, hit.index);
        this.inspector.node.focus();
      } else return;
      event.preventDefault();
    });
    this.root.addEventListener('keydown', (event) => {
      const typing = /** @type {Element} */ (event.target).closest('input, select, textarea');
      if (event.ctrlKey || event.metaKey || event.altKey || typing) return;
      if (event.key === 'n' || event.key === 'p') this.differences.jump(event.key === 'n' ? 1 : -1);
    });
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape') this.close(); });
  }
}
