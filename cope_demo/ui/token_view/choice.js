// One decision of the decoder as step mode shows it: the candidates' rows, the equations with their numbers, the sentence.

import { el, formula, plural, signed } from '../assets/dom.js';
import { possessive } from './methods.js';
import { percent, showInvisible } from './numbers.js';
import { findFavourite } from './winner.js';

const CANDIDATES = 8; // rows that can be read from the back of a room
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const plain = (x) => signed(x, 2).replace('+', '');
const coded = (token) => el('code', {}, showInvisible(token.text));

export class Choice {
  /**
   * @param {import('./model.js').Model} model
   * @param {string} method
   * @param {number} index
   */
  constructor(model, method, index) {
    this.model = model;
    this.method = method;
    this.index = index;
    this.token = model.columns[method].tokens[index];
    this.who = model.run.who;
    this.amateur = model.amateur(method);
    const { alpha, tau } = model.settings(method, index);
    this.alpha = alpha;
    this.tau = tau;
    this.penalty = model.run.header.repetition_penalty ?? 1;
    this.favourite = findFavourite(this.token);
    this.score = (other) => other.expert - this.alpha * other.logp_base;
    this.cut = this.favourite.expert + Math.log(this.tau);
    const known = this.token.alternatives.length ? this.token.alternatives : [this.token];
    const byExpert = [...known].sort((a, b) => b.expert - a.expert);
    // Those who matter always have a row: the winner, and the one whom base would have preferred.
    const base = byExpert.reduce((best, other) => (other.logp_base > best.logp_base ? other : best), byExpert[0]);
    const must = new Set([this.token.id, this.favourite.id, base.id]);
    const rest = byExpert.filter((other) => !must.has(other.id)).slice(0, CANDIDATES - must.size).map((other) => other.id);
    this.rows = byExpert.filter((other) => must.has(other.id) || rest.includes(other.id));
    this.ranked = [...this.rows].sort((a, b) => Number(b.in_head) - Number(a.in_head) || this.score(b) - this.score(a));
    this.top = Math.max(...this.rows.flatMap((other) => [other.expert, other.logp_base]));
    this.chosen = this.rows.find((other) => other.id === this.token.id) || this.token;
    this.forced = model.isForced(method, index);
    this.sampled = (model.run.decoding?.temperature ?? 0) > 0;
    const seen = new Set(model.columns[method].tokens.slice(0, index).map((token) => token.id));
    this.penalized = this.rows.filter((other) => seen.has(other.id) && other.logp_user - other.expert > 0.02);
    this.overruled = !this.forced && !this.sampled && this.favourite.id !== this.token.id;
  }

  // Rows are made once a token; the phase only changes what the style sheet shows, and the order at the end.
  draw(list, fresh, phase) {
    if (fresh) {
      this.nodes = new Map(this.rows.map((other) => [other.id, this.row(other)]));
      list.style.setProperty('--cut', Math.exp(this.cut - this.top).toFixed(4));
      list.replaceChildren(
        el('div.row.names', {}, el('span.word', {}, 'candidate'), el('span.shares', {}, el('span.tau', {}, `τ ${decimal(this.tau)}`)), el('span.of', {}, 'log ', formula('π_user')),
          el('span.less', {}, '− α · log ', formula('π_base')), el('span.r', {}, 'score')),
        el('ol', {}, this.rows.map((other) => this.nodes.get(other.id))));
      this.order = null;
    }
    const order = phase === 3 ? this.ranked : this.rows;
    if (this.order === order) return;
    const moved = this.order !== null && !calm();
    const before = moved ? new Map([...this.nodes].map(([id, node]) => [id, node.getBoundingClientRect().top])) : null;
    this.order = order;
    list.querySelector('ol').replaceChildren(...order.map((other) => this.nodes.get(other.id)));
    if (!moved) return;
    for (const [id, node] of this.nodes) {
      const by = before.get(id) - node.getBoundingClientRect().top;
      if (by) node.animate([{ transform: `translateY(${by}px)` }, { transform: 'none' }], { duration: 450, easing: 'ease' });
    }
  }

  row(other) {
    const kind = [other.in_head ? '' : '.cut', other.id === this.token.id ? '.won' : '', other.id === this.favourite.id ? '.first' : ''].join('');
    const width = (logp) => `--p:${Math.min(1, Math.exp(logp - this.top)).toFixed(4)}`;
    const name = this.forced ? 'your choice' : this.sampled ? 'drawn' : 'wins';
    return el(`li.row${kind}`, {},
      el('span.word', {}, coded(other),
        el('span.tag.out', {}, 'cut'), other.id === this.token.id ? el('span.tag.win', {}, name) : null,
        this.penalized.includes(other) ? el('span.tag.held', {}, 'written before') : null),
      el('span.shares', {},
        el('span.share.expert', { style: width(other.expert) }, el('b', {}, percent(other.expert))),
        el('span.share.amateur', { style: width(other.logp_base) }, el('b', {}, percent(other.logp_base)))),
      el('span.of', {}, plain(other.expert)),
      el('span.less', {}, signed(-this.alpha * other.logp_base, 2)),
      el('span.r', {}, other.in_head ? plain(this.score(other)) : '−∞'));
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
        phase >= 1 ? el('p.filled', {}, plural(this.token.head_size, 'token is', 'tokens are'), ' in ', formula('V_head')) : null),
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
      if (tau === 0) return [`At τ 0 nothing is cut: all ${token.head_size.toLocaleString('en')} tokens of the vocabulary may win.`];
      const out = this.rows.filter((other) => !other.in_head).length;
      return [`Only words with at least ${percent(this.cut)} stay: ${plural(token.head_size, 'token', 'tokens')} in all.`,
        out ? ` Of those shown, ${out} ${out === 1 ? 'is' : 'are'} cut.` : ' All that are shown stay.'];
    }
    if (phase === 2) {
      if (alpha === 0) return [`At α 0 nothing is taken away: the favourite for ${who} stays first.`];
      const staying = this.rows.filter((other) => other.in_head);
      const most = staying.reduce((best, other) => (other.logp_base > best.logp_base ? other : best));
      const least = staying.reduce((best, other) => (other.logp_base < best.logp_base ? other : best));
      if (most === least) return [`Only one word is left, so ${this.amateur} has nothing to change.`];
      return [this.amateur === 'base' ? 'Base’s opinion is taken away. It expects ' : `${capital(possessive(this.amateur))} opinion is taken away: it expects `, coded(most), ` at ${percent(most.logp_base)}, which gains ${signed(-alpha * most.logp_base, 2)}; `,
        coded(least), ` only at ${percent(least.logp_base)}, which gains ${signed(-alpha * least.logp_base, 2)}.`];
    }
    if (this.forced) return [coded(chosen), ' was your choice; the decoder did not decide here.'];
    if (this.sampled) return [coded(chosen), ' was drawn by lot from what was plausible.'];
    if (!this.overruled) return [coded(chosen), ` wins: the favourite for ${who} stays ahead.`];
    return [coded(chosen), ` wins with ${plain(this.score(chosen))} against ${plain(this.score(favourite))} for `, coded(favourite),
      ': contrast overruled the favourite.'];
  }
}

const decimal = (x) => String(Number(Number(x).toFixed(2))).replace('-', '−');
const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
