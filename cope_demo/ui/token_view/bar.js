// The line over the columns: what is going on. While something is written it stays at the window's top, with the prompt, how
// far the text is, and Stop, where the keyboard's focus waits when the button that began it cannot hold it.

import { el, seconds } from '../assets/dom.js';

export class Bar {
  /**
   * @param {import('./model.js').Model} model
   * @param {(() => void) | null} stop null where nothing can be stopped
   */
  constructor(model, stop) {
    this.model = model;
    this.going = false;
    /** @type {HTMLElement | null} what had the focus when the run began */
    this.from = null;
    this.status = el('p.status', { role: 'status' });
    this.progress = el('span.progress', {});
    this.asked = el('p.asked', { dir: 'auto' });
    this.stop = el('button.small.stop', { type: 'button', hidden: true, onclick: stop }, 'Stop');
    this.stoppable = stop !== null;
    this.node = el('div.bar-line', {}, this.status, this.progress, this.asked, this.stop);
    model.on('run', () => { this.since = null; this.asked.textContent = model.run.going ? model.run.header.prompt : ''; });
    model.on('tokens', () => this.count());
  }

  /**
   * @param {string} sentence
   * @param {{ failed: boolean, going: boolean }} state going: something is written, or about to be
   */
  say(sentence, { failed, going }) {
    this.status.textContent = sentence;
    this.status.classList.toggle('failed', failed);
    if (this.going && !going) this.release();
    this.going = going;
    this.node.classList.toggle('going', going);
    this.stop.hidden = !going || !this.stoppable;
    if (!going) this.progress.textContent = '';
    // A button that is pressed and then disabled loses the focus.
    if (going && this.from && document.activeElement === document.body) this.stop.focus({ preventScroll: true });
  }

  // How far the longest column is, its speed since its first token was here, and how long it takes at most at that speed.
  count() {
    const { run, columns } = this.model;
    if (!run.going) return;
    const written = Math.max(...run.methods.map((method) => columns[method].tokens.length));
    this.since ??= { written, at: performance.now() };
    const passed = (performance.now() - this.since.at) / 1000;
    const speed = passed > 2 ? (written - this.since.written) / passed : 0;
    const most = run.decoding?.max_new_tokens;
    this.progress.textContent = [
      `token ${written}${most ? ` of at most ${most}` : ''}`, speed ? `${speed.toFixed(1)} a second` : '',
      speed && most ? `at most ${seconds((most - written) / speed)} to go` : '',
    ].filter(Boolean).join(', ');
  }

  // The run was begun from whatever has the focus now.
  hold() {
    const now = document.activeElement;
    this.from = now instanceof HTMLElement && now !== document.body ? now : null;
  }

  // The focus goes back where the run was begun, unless it is somewhere of its own. The button there may be enabled, and even
  // disabled, a moment later.
  release(looks = 40) {
    const { from } = this;
    const now = document.activeElement;
    if (!from || (now !== this.stop && now !== document.body && now !== from)) return;
    if (now !== from) from.focus({ preventScroll: true });
    if (looks) setTimeout(() => { if (!this.going && this.from === from) this.release(looks - 1); }, 50);
  }
}
