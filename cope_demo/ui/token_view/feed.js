// From the component's value to the model: reads the growing text of wire.py, and watches over a stream that falls silent.

import { seconds } from '../assets/dom.js';
import { Kept } from './kept.js';

export class Feed {
  /**
   * @param {import('./model.js').Model} model
   * @param {import('../assets/dom.js').Component['server']} server
   * @param {(sentence: string, failed?: boolean) => void} say shows one line of status
   */
  constructor(model, server, say) {
    this.model = model;
    this.server = server;
    this.say = say;
    this.kept = new Kept(model);
    this.text = '';     // what has been read of the value so far
    this.received = 0;  // when the last message came
    this.waiting = null; // since when an answer is awaited
    this.stopped = false; // by the visitor: what still comes then was sent before the server heard of it
    this.asking = false;
    model.on('undo', (undone) => this.kept.record({ t: 'undo', ...undone }));
    addEventListener('pagehide', () => this.kept.save());
    setInterval(() => this.watch(), 2000);
  }

  /** Whether something is written, or has been asked for. */
  get going() {
    return this.waiting !== null || !!this.model.run?.going;
  }

  // The value only grows during a run, so each update is read from where the last one ended; any other value starts anew.
  read(value) {
    if (!value.startsWith(this.text)) this.text = '';
    const fresh = value.slice(this.text.length, value.lastIndexOf('\n') + 1);
    if (!fresh) return;
    this.text += fresh;
    const messages = fresh.split('\n').flatMap((row) => { try { return row ? [JSON.parse(row)] : []; } catch { return []; } });
    if (this.isOvertaken(messages[0])) { this.kept.meet(messages[0]); return; }
    if (this.isUnasked(messages)) return;
    this.waiting = null;
    this.received = Date.now();
    for (const message of messages) if (!this.stopped || message.t === 'idle') this.take(message);
  }

  take(message) {
    const { model } = this;
    if (!model.run && message.t !== 'start' && message.t !== 'idle') model.begin({ t: 'start', who: 'you', run: '' });
    if (message.t === 'undo') { model.undo(message.method); return; } // what is kept hears of it from the model
    if (message.t === 'tokens' && !model.run.going) return; // of a comparison that was given up as broken off
    if (message.t === 'idle') {
      const kept = this.kept.restore(message);
      if (kept.length) { this.replay(kept); return; }
      model.begin(message);
      this.say(message.message || '');
    } else if (!['branch', 'done', 'error'].includes(message.t)) this.kept.record(message); // those: in fork and finish
    if (message.t === 'start') { model.begin(message); this.say('Writing…'); }
    if (message.t === 'branch') this.fork(message);
    if (message.t === 'wait') this.say(message.message);
    if (message.t === 'tokens') { model.add(message.rows); if (model.run.going) this.say('Writing…'); }
    if (message.t === 'end') model.end(message.method, message.stopped);
    if (message.t === 'lesson') model.setLesson(message);
    if (message.t === 'done') {
      this.finish('stopped', `${message.seconds ? `Done in ${seconds(message.seconds)}. ` : ''}${message.message || 'Point at a token, or tap it, to see why it was chosen.'}`);
    }
    if (message.t === 'error') this.finish('broken', message.message, true);
  }

  // Kept with its settings, which the server does not send: after a reload nobody knows any more what was asked for.
  fork(message) {
    const { model } = this;
    model.run.id = message.run;
    model.fork(message);
    const { alpha, tau, forced } = model.columns[message.method]?.branch || {};
    this.kept.record({ ...message, alpha, tau, forced });
    this.say('Writing on…');
  }

  // Whether somebody has begun something before the page's opening came: that stays.
  isOvertaken(message) {
    return !!message?.opening && !this.kept.arrived && (this.waiting !== null || !!this.model.run?.id);
  }

  // Whether it is the empty view at the end of a fit, which names nobody as chosen: what is looked at, such as a lesson, or
  // awaited stays. A refusal to compare says more than that.
  isUnasked([message, ...more]) {
    const empty = message.t === 'idle' && message.user === undefined && !more.length;
    return empty && this.kept.person !== null && (this.waiting !== null || !!this.model.run?.id);
  }

  // A comparison from before a reload.
  replay(messages) {
    for (const message of messages) this.take(message);
    const { run } = this.model;
    if (run.going) this.finish('broken', 'The page was reloaded while this was written. What was written so far stays.', true);
    else if (!this.model.lesson) this.say(`From before the page was reloaded. The prompt was: ${run.header.prompt}`);
  }

  // What was refused before it began ends nothing. The end is kept also where no message brought it, as after Stop.
  finish(why, sentence, failed = false) {
    this.model.requested = null;
    if (this.model.run?.going) {
      this.kept.record({ t: failed ? 'error' : 'done', message: sentence });
      this.model.finish(why);
    }
    this.say(sentence, failed);
  }

  // The buttons live outside; they tell us what was pressed.
  begin(sentence) {
    this.waiting = Date.now();
    this.stopped = false;
    this.say(sentence);
  }

  stop() {
    this.waiting = null;
    this.stopped = true;
    this.model.requested = null;
    if (this.model.run?.going) this.finish('stopped', 'Stopped. What was written so far stays.');
    else this.say('Stopped before it began.');
  }

  fail() {
    if (this.stopped) { this.waiting = null; return; } // Gradio may count a cancelled stream as a failed one
    this.breakOff('The comparison could not be carried out; the server may be busy. Please try again in a moment.');
  }

  breakOff(sentence) {
    this.waiting = null;
    this.finish('broken', sentence, true);
  }

  // A stream that falls silent: ask the server, and say so in a sentence when it no longer answers.
  async watch() {
    const { run } = this.model;
    const silent = run?.going ? Date.now() - this.received : this.waiting ? Date.now() - this.waiting : 0;
    if (this.asking || silent < 4000) return;
    this.asking = true;
    const asked = run?.going ? run.id : '';
    try {
      const answer = await Promise.race([this.server.alive(asked), new Promise((_, no) => setTimeout(() => no(new Error('late')), 8000))]);
      if (answer !== 'here' && answer !== 'gone') throw new Error('no answer'); // Gradio swallows a failed request
      const now = this.model.run;
      if (now?.going && now.id === asked && answer === 'gone') this.breakOff('The comparison broke off on the server. What was written so far stays; please try again.');
      else if (this.waiting) this.say('Waiting for a free place: others are comparing right now.');
    } catch {
      this.breakOff('The server no longer answers. What was written so far stays; please try again in a moment.');
    }
    this.asking = false;
  }
}
