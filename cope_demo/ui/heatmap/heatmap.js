// The token view itself: puts the parts together, and answers pointer, keyboard and download.

const model = new Model();
const status = el('p.status', { role: 'status' });
const save = el('button.quiet', { type: 'button', hidden: true, onclick: () => download() }, 'Download the trace (JSON)');
const board = el('div.columns', {});
let views = {};
const legend = new Legend(() => { for (const view of Object.values(views)) view.paint(); });
fill(root, [legend.node, el('div.bar-line', {}, status, save), board]);
const tip = new Tooltip(root);
const feed = new Feed(model, (sentence, failed = false) => {
  status.textContent = sentence;
  status.classList.toggle('failed', failed);
});

model.on('run', () => {
  tip.hide();
  views = {};
  for (const method of model.run.methods) views[method] = new ColumnView(model, method, legend);
  board.replaceChildren(...Object.values(views).map((view) => view.node));
  save.hidden = true;
});
model.on('tokens', ({ method }) => views[method].extend());
model.on('end', ({ method }) => views[method].end());
model.on('branch', ({ method, at }) => { tip.hide(); views[method].redraw(at); });
model.on('done', () => { save.hidden = !Object.values(model.columns).some((column) => column.tokens.length); });

function download() {
  const columns = model.run.methods.map((method) => {
    const { tokens, stopped } = model.columns[method];
    return { method, text: tokens.map((token) => token.text).join(''), stopped, tokens: tokens.map(plainToken) };
  });
  const blob = new Blob([JSON.stringify({ ...model.run.header, columns }, null, 1)], { type: 'application/json' });
  const link = el('a', { href: URL.createObjectURL(blob), download: 'cope-trace.json' });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
const plainToken = ({ expert, alternatives, ...token }) => ({ ...token, alternatives: alternatives.map(({ expert: _, ...other }) => other) });

root.addEventListener('cope-begin', () => {
  tip.hide();
  feed.begin();
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (board.getBoundingClientRect().top > innerHeight * 0.6) root.scrollIntoView({ behavior: calm ? 'auto' : 'smooth' });
});
root.addEventListener('cope-stop', () => feed.stop());
root.addEventListener('cope-failed', () => feed.fail());

// Why this token: hover, focus, tap, keyboard.
const found = (target) => {
  const span = target.closest?.('.tok');
  if (!span || !root.contains(span)) return null;
  const { method } = span.closest('.column').dataset;
  const index = Number(span.dataset.index);
  return { span, view: views[method], method, index, token: model.columns[method].tokens[index] };
};
const reveal = (hit, pinned) => tip.show(hit.span, tipContent(hit.token, model.run, hit.method), pinned);

// A move, not pointerover: text that streams or a tip that closes under a resting mouse must not open anything.
board.addEventListener('pointermove', (event) => {
  if (event.pointerType !== 'mouse' || tip.pinned) return;
  const hit = found(event.target);
  if (hit && hit.span !== tip.anchor) reveal(hit, false);
  else if (hit) tip.stay();
});
board.addEventListener('pointerout', (event) => { if (event.pointerType === 'mouse' && found(event.target)) tip.hideSoon(); });
board.addEventListener('focusin', (event) => {
  const hit = found(event.target);
  if (hit && hit.span.matches(':focus-visible')) reveal(hit, false);
});
board.addEventListener('focusout', () => tip.hideSoon());
board.addEventListener('click', (event) => {
  const hit = found(event.target);
  if (!hit) return;
  if (tip.pinned && tip.anchor === hit.span) tip.hide();
  else reveal(hit, true);
});
board.addEventListener('keydown', (event) => {
  const hit = found(event.target);
  if (!hit) return;
  const last = model.columns[hit.method].tokens.length - 1;
  const to = { ArrowRight: hit.index + 1, ArrowLeft: hit.index - 1, Home: 0, End: last }[event.key];
  if (to !== undefined) hit.view.focus(to);
  else if (event.key === 'Enter' || event.key === ' ') reveal(hit, true);
  else return;
  event.preventDefault();
});

const read = () => feed.read(typeof props.value === 'string' ? props.value : '');
read();
watch('value', read);
