// The comparison's data, without a page: what the server sent, what is selected, and what other settings would have chosen.
// Parts of the view take a model, draw into a node of their own, and listen:
//   run      a comparison begins (or the empty page is shown)     tokens   {method, from}: tokens were added
//   end      {method}: a column has ended                         done     the comparison has ended, also by a fault
//   branch   {method, at}: a column was cut there, or put back    selection, whatif   these have changed
//   lesson   the comparison is a lesson's, and its text has come

const CONTRASTED = ['cope', 'oppu+cd']; // the methods in which base is subtracted
const GENERAL = ['greedy', 'base', 'rag', 'pag']; // the methods in which base decides and the personal model reads along
const GIVEN = ['score', 'a', 'b']; // the columns of texts that were given, not decoded; their score is the reward
const ROUNDING = 3e-4; // the wire carries four digits

class Model {
  constructor() {
    this.listeners = {};
    this.run = null;        // { id, who, header (the trace's fields but its columns), decoding, methods, going }
    this.columns = {};      // by method: { method, tokens, stopped, branch }
    this.selection = null;  // { method, index, pinned }
    this.what_if = { alpha: 0, tau: 0 };
  }

  on(event, listener) {
    (this.listeners[event] ||= []).push(listener);
  }

  tell(event, data) {
    for (const listener of this.listeners[event] || []) listener(data);
  }

  // decoding: { max_new_tokens, temperature, seed }, null where it is not known (a saved trace).
  begin({ t, run, who, methods, message, nonce, decoding = null, ...header }) {
    this.run = { id: run, who, header, decoding, methods: methods || METHODS, going: t === 'start' };
    this.columns = {};
    for (const method of this.run.methods) this.columns[method] = { method, tokens: [], stopped: null, branch: null };
    this.what_if = { alpha: header.alpha ?? 0, tau: header.tau ?? 0 };
    this.selection = null;
    this.asked = null;
    this.lesson = null;
    this.tell('run');
  }

  // message: the lesson's (wire.py); its comparison has been read before.
  teach(message) {
    this.lesson = message;
    this.tell('lesson');
  }

  // A lesson's column may be a further run of a method: header.variants has {of, name, alpha, tau} by column.
  variant(method) {
    return this.run.header.variants?.[method] || {};
  }

  contrasts(method) {
    return CONTRASTED.includes(this.variant(method).of || method);
  }

  name(method) {
    return this.variant(method).name || METHOD_NAMES[method] || method;
  }

  // The prompt that a column has for itself; null where it is the visitor's.
  prompt(method) {
    return this.run.header.prompts?.[method] ?? null;
  }

  // Rows of the wire (wire.py). Rewards are at the run's alpha; `expert` is the personal log-probability that decided,
  // after the repetition penalty, which only scores of the personal model and of the contrast tell.
  add(rows) {
    const from = {};
    for (const [method, index, id, text, user, base, score, inHead, headSize, others] of rows) {
      const column = this.columns[method];
      if (!column || index !== column.tokens.length) continue;
      const { alpha } = this.settings(method, index);
      const rewardAlpha = this.variant(method).alpha ?? this.run.header.alpha ?? 0;
      const make = (fields) => ({
        ...fields, reward: fields.logp_user - rewardAlpha * fields.logp_base,
        expert: GENERAL.includes(method) || GIVEN.includes(method) ? fields.logp_user
          : fields.score + (this.contrasts(method) ? alpha * fields.logp_base : 0),
      });
      column.tokens.push({
        ...make({ id, text, logp_user: user, logp_base: base, score, in_head: !!inHead }), head_size: headSize,
        alternatives: others.map(([oid, otext, ouser, obase, oscore, oin]) =>
          make({ id: oid, text: otext, logp_user: ouser, logp_base: obase, score: oscore, in_head: !!oin })),
      });
      from[method] ??= index;
    }
    for (const [method, index] of Object.entries(from)) this.tell('tokens', { method, from: index });
  }

  end(method, stopped) {
    const column = this.columns[method];
    if (!column || column.stopped !== null) return;
    column.stopped = stopped;
    this.tell('end', { method });
  }

  // The stream is over; columns that have not ended by themselves end for this reason.
  finish(stopped) {
    if (!this.run) return;
    this.run.going = false;
    this.asked = null;
    for (const method of this.run.methods) this.end(method, stopped);
    this.tell('done');
  }

  // -- selection and supposition --------------------------------------------------------------------------------------

  select(method, index, pinned = false) {
    const now = this.selection;
    if (!this.columns[method]?.tokens[index]) return;
    if (now && now.method === method && now.index === index && now.pinned === pinned) return;
    this.selection = { method, index, pinned };
    this.tell('selection');
  }

  clear() {
    if (!this.selection) return;
    this.selection = null;
    this.tell('selection');
  }

  get selected() {
    return this.selection && this.columns[this.selection.method]?.tokens[this.selection.index] || null;
  }

  suppose(alpha, tau) {
    this.what_if = { alpha, tau };
    this.tell('whatif');
  }

  // The settings that a token was decoded with: the run's, or those of the latest fork at or before it.
  settings(method, index) {
    const { alpha = 0, tau = 0 } = { ...this.run.header, ...this.variant(method) };
    const fork = this.forks(method).filter((one) => one.at <= index).pop();
    return fork ? { alpha: fork.alpha, tau: fork.tau } : { alpha, tau };
  }

  // -- what decides ---------------------------------------------------------------------------------------------------

  // The expert's best token of a step, after the repetition penalty.
  favourite(token) {
    return token.alternatives.reduce((best, other) => (other.expert > best.expert ? other : best), token);
  }

  // V_head at this tau, among the alternatives that were sent.
  head(token, tau) {
    const cut = this.favourite(token).expert + Math.log(tau) - ROUNDING; // tau 0 cuts nothing: its logarithm is minus infinity
    return token.alternatives.filter((other) => other.expert >= cut);
  }

  // The alternative that contrast would choose at other settings. On a tie the one that was written stays.
  winner(token, alpha, tau) {
    const score = (other) => other.expert - alpha * other.logp_base;
    return this.head(token, tau).reduce((best, other) => {
      const ahead = score(other) - score(best);
      return ahead > ROUNDING || (other.id === token.id && ahead >= -ROUNDING) ? other : best;
    });
  }

  // Whether the alternatives tell what other settings would choose: contrast decides, and nothing is drawn by lot.
  supposable(method) {
    return this.contrasts(method) && this.columns[method]?.tokens.some((token) => token.alternatives.length > 1) && !this.drawn(method);
  }

  // Whether tokens were drawn by lot. A saved trace does not say so; there it shows where a token that scored less was taken.
  drawn(method) {
    if (this.run.decoding) return this.run.decoding.temperature > 0;
    const column = this.columns[method];
    if (!this.contrasts(method)) return false;
    if (column.looked !== column.tokens.length) {
      column.looked = column.tokens.length;
      column.lots = column.tokens.some((token) => token.alternatives.some((other) => other.in_head && other.score > token.score + ROUNDING));
    }
    return column.lots;
  }

  // Where other settings would have chosen another token, after the text before it: [{ index, winner }].
  changes(method, { alpha, tau } = this.what_if) {
    const { header } = this.run;
    const moved = alpha !== header.alpha || tau !== header.tau;
    if (!this.supposable(method) || (header.variants && !moved)) return [];
    const found = [];
    const forced = new Set(this.forks(method).filter((fork) => fork.forced).map((fork) => fork.at));
    this.columns[method].tokens.forEach((token, index) => {
      const own = this.settings(method, index);
      if (forced.has(index) || !token.alternatives.length || (own.alpha === alpha && own.tau === tau)) return;
      const winner = this.winner(token, alpha, tau);
      if (winner.id !== token.id) found.push({ index, winner });
    });
    return found;
  }

  // Whether contrast chose another token than the expert's favourite.
  overruled(method, index) {
    const token = this.columns[method].tokens[index];
    return this.contrasts(method) && !this.drawn(method) && !this.forced(method, index)
      && this.favourite(token).id !== token.id;
  }

  // -- branches -------------------------------------------------------------------------------------------------------

  // The forks that the column's text goes through, from left to right: { at, alpha, tau, forced, was, before, undo }.
  forks(method) {
    const list = [];
    for (let fork = this.columns[method]?.branch; fork; fork = fork.before.branch) {
      if (!list.length || fork.at < list[0].at) list.unshift(fork);
    }
    return list;
  }

  forced(method, index) {
    return this.forks(method).some((fork) => fork.forced && fork.at === index);
  }

  // Whether a column can go on from one of its tokens: it was decoded here, by this method as it is.
  continuable(method) {
    return !!this.run?.decoding && !GIVEN.includes(method) && !this.variant(method).of;
  }

  // What to ask the server for: the column up to `at`, then the token `id`, then on with these settings.
  ask(method, at, id, { alpha, tau }, forced) {
    const { user, prompt, repetition_penalty } = this.run.header;
    this.asked = { method, at, alpha, tau, forced };
    const ids = [...this.columns[method].tokens.slice(0, at).map((token) => token.id), id];
    return { user, prompt, method, ids, alpha, tau, repetition_penalty, ...this.run.decoding };
  }

  // The server continues a column from its token number `at`: what stood there is kept for `undo`.
  // The settings are those that were asked for; a saved page's message tells them.
  fork({ method, at, ...told }) {
    const column = this.columns[method];
    if (!column) return;
    const asked = this.asked?.method === method && this.asked.at === at ? this.asked : { ...this.settings(method, at), forced: true, ...told };
    const { tokens, stopped, branch } = column;
    column.branch = {
      at, alpha: asked.alpha, tau: asked.tau, forced: asked.forced, was: tokens[at] || null,
      before: { tokens, stopped, branch }, undo: () => this.undo(method),
    };
    column.tokens = tokens.slice(0, at);
    column.stopped = null;
    this.asked = null;
    this.run.going = true;
    // What was looked at further on is gone; the token that takes its place is the one to look at.
    if (this.selection?.method === method && this.selection.index > at) this.selection = { ...this.selection, index: at };
    this.tell('branch', { method, at });
  }

  undo(method) {
    const column = this.columns[method];
    if (!column?.branch || this.run.going) return;
    const { at, before } = column.branch;
    Object.assign(column, before);
    this.tell('branch', { method, at });
    if (!this.selected) this.clear();
  }
}
