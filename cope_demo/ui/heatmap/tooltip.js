// What a token was chosen from: shown on hover, on focus and on tap. On a narrow screen it is a sheet at the bottom.

class Tooltip {
  constructor(host) {
    this.host = host;
    this.box = el('div.cope-tip', { role: 'dialog', 'aria-label': 'Why this token', hidden: true });
    this.box.addEventListener('pointerenter', () => this.stay());
    this.box.addEventListener('pointerleave', () => this.hideSoon());
    host.appendChild(this.box);
    this.anchor = null;
    this.pinned = false;
    addEventListener('resize', () => this.hide());
    addEventListener('scroll', () => this.place(), { passive: true, capture: true });
    document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && this.anchor) this.hide(); });
    document.addEventListener('pointerdown', (event) => {
      if (this.anchor && !this.box.contains(event.target) && !event.target.closest?.('.tok')) this.hide();
    });
  }

  show(anchor, content, pinned = false) {
    clearTimeout(this.leaving);
    if (this.pinned && !pinned && anchor !== this.anchor) this.pinned = false;
    this.anchor?.classList.remove('open');
    this.anchor = anchor;
    this.pinned = pinned || this.pinned;
    anchor.classList.add('open');
    this.box.replaceChildren(
      el('button.close', { type: 'button', 'aria-label': 'Close', onclick: () => this.hide() }, '\u00d7'), content);
    this.box.hidden = false;
    this.place();
    this.uncover();
  }

  // A sheet must not lie over the token that it explains; at the page's end it needs room to scroll.
  uncover() {
    if (!this.box.classList.contains('sheet')) return;
    this.host.style.paddingBottom = `${this.box.offsetHeight}px`;
    const covered = this.anchor.getBoundingClientRect().bottom + 16 - this.box.getBoundingClientRect().top;
    if (covered > 0) scrollBy({ top: covered });
  }

  stay() {
    clearTimeout(this.leaving);
  }

  hideSoon() {
    if (this.pinned) return;
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => this.hide(), 160);
  }

  hide() {
    clearTimeout(this.leaving);
    this.anchor?.classList.remove('open');
    this.anchor = null;
    this.pinned = false;
    this.box.hidden = true;
    this.host.style.paddingBottom = '';
  }

  place() {
    if (!this.anchor) return;
    this.box.classList.toggle('sheet', matchMedia('(max-width: 640px)').matches);
    if (this.box.classList.contains('sheet')) {
      this.box.style.left = this.box.style.top = '';
      return;
    }
    const token = this.anchor.getClientRects()[0] || this.anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const left = Math.max(8, Math.min(token.left - 12, innerWidth - width - 8));
    const below = token.bottom + 6;
    const top = below + height <= innerHeight - 8 ? below : Math.max(8, token.top - height - 6);
    this.box.style.left = `${left}px`;
    this.box.style.top = `${top}px`;
  }
}

const tipContent = (token, run, method) => {
  const who = run.who;
  const place = token.alternatives.filter((other) => other.logp_user > token.logp_user).length + 1;
  const known = token.alternatives.some((other) => other.id === token.id);
  const rank = known || place <= token.alternatives.length ? ordinal(place) : `below ${ordinal(token.alternatives.length)}`;
  const head = token.in_head
    ? `${rank} choice for ${who}, of ${plural(token.head_size, 'plausible token', 'plausible tokens')}`
    : `${rank} choice for ${who}, not among the ${plural(token.head_size, 'plausible token', 'plausible tokens')}`;
  const personal = method === 'oppu' ? 'OPPU' : 'CoPe';
  return el('div.tip', {},
    el('p.word', {}, el('code', {}, visible(token.text))),
    el('dl', {},
      el('div', {}, el('dt', {}, `for ${who}`), el('dd', {}, percent(token.logp_user))),
      el('div', {}, el('dt', {}, 'in general'), el('dd', {}, percent(token.logp_base))),
      el('div', {}, el('dt', {}, 'reward'), el('dd.reward', {}, el(`i.swatch.${stepClass(step(MEASURES.reward, token.reward))}`, {}), signed(token.reward, 2)))),
    el('p.head', {}, head),
    Math.abs(token.score - token.reward) > 0.005 && method === 'cope'
      ? el('p.head', {}, `With the repetition penalty it counted ${signed(token.score, 2)}.`) : null,
    token.alternatives.length ? alternativesTable(token, who, personal) : null);
};

const alternativesTable = (token, who, personal) => {
  const rows = [...token.alternatives].sort((a, b) => b.logp_user - a.logp_user);
  const row = (other) => el(`tr${other.id === token.id ? '.chosen' : ''}${other.in_head ? '' : '.cut'}`, {},
    el('th', { scope: 'row' }, el('code', {}, visible(other.text)), other.id === token.id ? el('span.tag', {}, 'written') : null),
    bar(other.logp_user, 'user'), bar(other.logp_base, 'base'), el('td', {}, signed(other.reward, 2)));
  return el('table', {},
    el('caption', {}, `What it could have been. “For ${who}” is the ${personal} adapter; grey rows are too unlikely to count.`),
    el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, 'token'), el('th', { scope: 'col' }, `for ${who}`),
      el('th', { scope: 'col' }, 'in general'), el('th', { scope: 'col' }, 'reward'))),
    el('tbody', {}, rows.map(row)));
};
const bar = (logp, kind) => el(`td.bar.${kind}`, { style: `--p:${Math.max(0, Math.min(1, Math.exp(logp))).toFixed(4)}` }, percent(logp));
