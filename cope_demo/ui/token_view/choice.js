// One decision of the decoder as step mode and a lesson's figure show it: its candidates, the equations with their numbers, and
// a sentence for each phase. rows.js draws the candidates.

import { el, formula, plural, signed } from '../assets/dom.js';
import { possessive } from './methods.js';
import { percent, showInvisible } from './numbers.js';
import { findFavourite, findHead, findWinner } from './winner.js';

const CANDIDATES = 8; // rows that can be read from the back of a room
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
export const plain = (x) => signed(x, 2).replace('+', '');
export const decimal = (x) => String(Number(Number(x).toFixed(2))).replace('-', '−');
export const coded = (token) => el('code', {}, showInvisible(token.text));

/** @typedef {import('./token.js').Candidate} Candidate */

export class Choice {
  /**
   * @param {import('./model.js').Model} model
   * @param {string} method
   * @param {number} index
   * @param {{ settings?: { alpha: number, tau: number } | null, most?: number }} [options] settings: others than the token was
   *   decoded with; most: how many candidates have a row
   */
  constructor(model, method, index, { settings = null, most = CANDIDATES } = {}) {
    this.model = model;
    this.method = method;
    this.index = index;
    this.token = model.columns[method].tokens[index];
    this.who = model.run.who;
    this.amateur = model.amateur(method);
    this.own = model.settings(method, index);
    const { alpha, tau } = settings || this.own;
    this.alpha = alpha;
    this.tau = tau;
    /** Whether the settings are others than the token was decoded with. */
    this.moved = alpha !== this.own.alpha || tau !== this.own.tau;
    this.penalty = model.run.header.repetition_penalty ?? 1;
    this.favourite = findFavourite(this.token);
    this.cut = this.favourite.expert + Math.log(tau);
    this.forced = !this.moved && model.isForced(method, index);
    this.sampled = !this.moved && (model.run.decoding?.temperature ?? 0) > 0;
    this.choose(most);
    const seen = new Set(model.columns[method].tokens.slice(0, index).map((token) => token.id));
    this.penalized = this.rows.filter((other) => seen.has(other.id) && other.logp_user - other.expert > 0.02);
    this.overruled = !this.forced && !this.sampled && this.favourite.id !== this.chosen.id;
  }

  // The candidates that have a row, in the person's order and in that of the scores; and who is chosen.
  choose(most) {
    const { token, moved, alpha, tau } = this;
    const known = token.alternatives.length ? token.alternatives : [token];
    const head = moved && token.alternatives.length ? new Set(findHead(token, tau).map((other) => other.id)) : null;
    /** @type {(other: Candidate) => boolean} */
    this.isIn = (other) => (head ? head.has(other.id) : other.in_head);
    const winner = moved && token.alternatives.length ? findWinner(token, alpha, tau) : token;
    const by = this.model.isDecidedByBase(this.method) ? 'logp_base' : 'expert';
    const ordered = [...known].sort((a, b) => b[by] - a[by]);
    // Those who matter always have a row: the winner, and the one whom base would have preferred.
    const base = ordered.reduce((best, other) => (other.logp_base > best.logp_base ? other : best), ordered[0]);
    const must = new Set([token.id, winner.id, this.favourite.id, base.id]);
    const rest = ordered.filter((other) => !must.has(other.id)).slice(0, Math.max(0, most - must.size)).map((other) => other.id);
    this.rows = ordered.filter((other) => must.has(other.id) || rest.includes(other.id));
    this.ranked = [...this.rows].sort((a, b) => Number(this.isIn(b)) - Number(this.isIn(a)) || this.score(b) - this.score(a));
    this.top = Math.max(...this.rows.flatMap((other) => [other.expert, other.logp_base]));
    this.chosen = this.rows.find((other) => other.id === winner.id) || token;
    this.staying = this.rows.filter(this.isIn);
    this.least = Math.min(...this.staying.map((other) => other.logp_base));
  }

  /** @param {Candidate} other */
  score(other) {
    return other.expert - this.alpha * other.logp_base;
  }

  // The length of a bar of this log-probability, 1 being the longest of the decision.
  share(logp) {
    return Math.min(1, Math.exp(logp - this.top));
  }

  // The length that the expert's bar keeps when base's part is taken off: π_user / π_base ^ alpha, whose order is that of
  // the scores, times a factor that all share, so that the candidate that base expects least keeps its bar whole.
  left(other) {
    return this.share(other.expert - this.alpha * (other.logp_base - this.least));
  }

  // The equations; what the phase is about is lit.
  equations(phase) {
    const { chosen, favourite, tau, alpha } = this;
    const lit = (...phases) => (phases.includes(phase) ? '.lit' : '');
    const reached = phase >= 2;
    const rule = el('p.rule', {}, formula('V_head'), ' = { ', el('i', {}, 'y'), ' : ', formula('π_user'), ' ≥ τ · max ', formula('π_user'), ' }');
    const reward = el('p.rule', {}, el('i', {}, 'r'), ' = log ', formula('π_user'), ' − α · log ', formula('π_base'));
    const most = phase === 3 ? chosen : favourite;
    return [
      el(`div.eq${lit(1)}${phase < 1 ? '.ahead' : ''}`, {}, rule,
        phase >= 1 ? el('p.filled', {}, `τ · max = ${decimal(tau)} · ${percent(favourite.expert)} = `, el('b', {}, percent(this.cut))) : null,
        phase >= 1 ? el('p.filled', {}, this.moved ? `${this.staying.length} of those shown ` : null,
          this.moved ? (this.staying.length === 1 ? 'is' : 'are') : plural(this.token.head_size, 'token is', 'tokens are'), ' in ', formula('V_head')) : null),
      el(`div.eq${lit(2, 3)}${reached ? '' : '.ahead'}`, {}, reward,
        reached ? el('p.filled', {}, el('i', {}, 'r'), '(', coded(most), ') = ',
          plain(most.expert), ` − ${decimal(alpha)} · (${plain(most.logp_base)}) = `, el('b', {}, plain(this.score(most)))) : null,
        phase === 3 && this.overruled ? el('p.filled', {}, el('i', {}, 'r'), '(', coded(favourite), ') = ',
          plain(favourite.expert), ` − ${decimal(alpha)} · (${plain(favourite.logp_base)}) = `, el('b', {}, plain(this.score(favourite)))) : null),
      this.penalized.length ? el('p.penalty', {}, `Repetition penalty ${decimal(this.penalty)}: `,
        this.penalized.slice(0, 3).map((other, n) => [n ? ', ' : '', coded(other), ` counts ${percent(other.expert)} and not ${percent(other.logp_user)}`]),
        this.penalized.length === 1 ? ', as it was written before.' : ', as they were written before.') : null,
    ].filter(Boolean);
  }

  // One sentence for what this phase shows.
  sentence(phase) {
    const { who, favourite, chosen, token, tau, alpha } = this;
    const second = this.rows.find((other) => other.id !== favourite.id);
    if (phase === 0) {
      return [`For ${who} `, coded(favourite), ` is the favourite, at ${percent(favourite.expert)}`,
        second ? [', then ', coded(second), ` at ${percent(second.expert)}.`] : '.'];
    }
    if (phase === 1) {
      if (tau === 0 && this.moved) return ['At τ 0 nothing is cut.'];
      if (tau === 0) return [`At τ 0 nothing is cut: all ${token.head_size.toLocaleString('en')} tokens of the vocabulary may win.`];
      const out = this.rows.length - this.staying.length;
      return [`Only words with at least ${percent(this.cut)} stay${this.moved ? '' : `: ${plural(token.head_size, 'token', 'tokens')} in all`}.`,
        out ? ` Of those shown, ${out} ${out === 1 ? 'is' : 'are'} cut.` : ' All that are shown stay.'];
    }
    if (phase === 2) {
      if (alpha === 0) return [`At α 0 nothing is taken away: the favourite for ${who} stays first.`];
      const { staying } = this;
      const most = staying.reduce((best, other) => (other.logp_base > best.logp_base ? other : best));
      const least = staying.reduce((best, other) => (other.logp_base < best.logp_base ? other : best));
      if (most === least) return [`Only one word is left, so ${this.amateur} has nothing to change.`];
      return [this.amateur === 'base' ? 'Base’s opinion is taken away. It expects ' : `${capital(possessive(this.amateur))} opinion is taken away: it expects `, coded(most), ` at ${percent(most.logp_base)}, which gains ${signed(-alpha * most.logp_base, 2)}; `,
        coded(least), ` only at ${percent(least.logp_base)}, which gains ${signed(-alpha * least.logp_base, 2)}.`];
    }
    if (this.moved) {
      const where = `At α ${decimal(alpha)} and τ ${decimal(tau)} `;
      const written = this.rows.find((other) => other.id === token.id);
      return chosen.id === token.id ? [where, coded(chosen), ' wins as well.']
        : [where, coded(chosen), ` wins with ${plain(this.score(chosen))}; `, coded(written), this.isIn(written) ? `, which was written, has ${plain(this.score(written))}.` : ', which was written, is cut.'];
    }
    if (this.forced) return [coded(chosen), ' was your choice; the decoder did not decide here.'];
    if (this.sampled) return [coded(chosen), ' was drawn by lot from what was plausible.'];
    if (!this.overruled) return [coded(chosen), ` wins: the favourite for ${who} stays ahead.`];
    return [coded(chosen), ` wins with ${plain(this.score(chosen))} against ${plain(this.score(favourite))} for `, coded(favourite),
      ': contrast overruled the favourite.'];
  }
}
