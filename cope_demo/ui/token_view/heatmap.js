// The token view itself: puts the parts together, and answers pointer and keyboard.

const model = new Model();
const live = typeof trigger === 'function'; // a standalone file has no server to ask
let views = {};
// Columns that stand side by side: four at most, in rows as even as can be.
const abreast = (count) => Math.max(1, Math.ceil(count / Math.max(1, Math.ceil(count / 4))));
const each = (act) => Object.values(views).forEach(act);
const motion = () => (matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth');

const status = el('p.status', { role: 'status' });
const feed = new Feed(model, (sentence, failed = false) => {
  status.textContent = sentence;
  status.classList.toggle('failed', failed);
});
const legend = new Legend(model, () => each((view) => view.paint()));
const board = el('div.columns', {});
const tip = new Tooltip(model, root);
const pin = (method, index) => model.select(method, index, true);
const inspector = new Inspector(model, {
  close: () => close(),
  choose: live ? (method, index, other) => branch(method, index, other.id, model.settings(method, index), true) : null,
  goOn: live ? (method, index, winner) => branch(method, index, winner.id, model.what_if, false) : null,
});
const tables = new TableView(model, pin);
const differences = new Differences(model, (method, index) => {
  if (model.selection?.pinned || board.hidden) pin(method, index);
  if (board.hidden) return;
  const view = views[method];
  view.focus(index);
  glance({ span: view.spans[index], method, index });
});
const shape = el('select', { 'aria-label': 'Show as', onchange: () => {
  const table = shape.value === 'table';
  board.hidden = table;
  tables.show(table);
} }, el('option', { value: 'tokens' }, 'Tokens'), el('option', { value: 'table' }, 'Table'));
const save = new Save(model, legend, (sentence) => feed.say(sentence, true));
const later = el('div.later', { hidden: true }, differences.node, shape, save.node);
fill(root, [
  el('div.tools', {}, legend.label, legend.adjust, later),
  legend.node, el('div.bar-line', {}, status), board, tables.node, inspector.node,
]);

model.on('run', () => {
  tip.hide();
  views = {};
  for (const method of model.run.methods) views[method] = new ColumnView(model, method, legend);
  root.style.setProperty('--columns', abreast(model.run.methods.length));
  for (const node of [board, tables.node]) node.classList.toggle('many', model.run.methods.length > 3);
  board.replaceChildren(...Object.values(views).map((view) => view.node));
  each((view) => view.paint());
  later.hidden = true;
});
model.on('tokens', ({ method }) => { views[method].extend(); markSelection(); });
model.on('end', ({ method }) => views[method].end());
model.on('branch', ({ method, at }) => {
  tip.hide();
  views[method].redraw(at);
  markSelection();
  each((view) => view.drawBranch());
  suppose();
});
model.on('done', () => {
  compareWithHistory();
  later.hidden = !Object.values(model.columns).some((column) => column.tokens.length);
  each((view) => view.drawBranch());
  suppose();
});
const suppose = () => { for (const [method, view] of Object.entries(views)) view.suppose(model.changes(method)); };
model.on('whatif', suppose);

// How near the texts are to the history: the server knows, and where there is none, or it does not say, nothing is shown.
async function compareWithHistory() {
  const { run, columns } = model;
  const texts = Object.fromEntries(run.methods.map((method) => [method, columns[method].tokens.map((token) => token.text).join('')]).filter(([, text]) => text.trim()));
  if (!server.likeness || !Object.keys(texts).length) return;
  const answer = await server.likeness(run.id, texts).catch(() => null);
  if (model.run !== run || run.going || !answer || answer.error) return;
  run.likeness = answer;
  each((view) => view.sum());
  tables.draw();
}

// The columns share a selection: the token itself, and softly the token at the same place of the other columns.
model.on('selection', () => {
  markSelection();
  root.style.paddingBottom = '';
  if (model.selection?.pinned) { tip.hide(); uncover(); }
});
let marked = [];
function markSelection() {
  const { selection } = model;
  for (const span of marked) span.classList.remove('open', 'twin');
  marked = selection ? Object.values(views).map((view) => view.spans[selection.index]).filter(Boolean) : [];
  for (const span of marked) span.classList.add(span.closest('.column').dataset.method === selection.method ? 'open' : 'twin');
}

// The panel must not lie over the token that it explains; at the page's end it needs room to scroll.
function uncover() {
  const span = board.querySelector('.open');
  root.style.paddingBottom = `${inspector.node.offsetHeight}px`;
  if (!span || board.hidden) return;
  const box = span.getBoundingClientRect();
  const covered = box.bottom + 72 - inspector.node.getBoundingClientRect().top;
  if (covered > 0) scrollBy({ top: covered, behavior: motion() });
  else if (box.top < 8) scrollBy({ top: box.top - 80, behavior: motion() });
}

function close() {
  const { selection } = model;
  const inside = root.contains(document.activeElement);
  model.clear();
  tip.hide();
  if (selection?.pinned && inside) views[selection.method]?.focus(selection.index);
}

function branch(method, at, id, settings, forced) {
  if (model.run.going) return;
  feed.begin('Asking the model to go on…');
  trigger('branch', model.ask(method, at, id, settings, forced));
}

root.addEventListener('cope-begin', () => {
  if (model.asked) return; // a branch: it has been said, and nothing moves
  tip.hide();
  model.clear();
  feed.begin('Asking the model…');
  if (board.getBoundingClientRect().top > innerHeight * 0.6) root.scrollIntoView({ behavior: motion() });
});
root.addEventListener('cope-stop', () => feed.stop());
root.addEventListener('cope-failed', () => feed.fail());

// Why this token: hover, focus, tap, keyboard.
const found = (target) => {
  const span = target.closest?.('.tok');
  if (!span || !board.contains(span)) return null;
  const { method } = span.closest('.column').dataset;
  return { span, view: views[method], method, index: Number(span.dataset.index) };
};
const glance = ({ span, method, index }) => {
  if (model.selection?.pinned) return;
  model.select(method, index);
  tip.show(span, method, index);
};
const leave = () => { if (!model.selection?.pinned) tip.hideSoon(); };

// A move, not pointerover: text that streams or a tip that closes under a resting mouse must not open anything.
board.addEventListener('pointermove', (event) => {
  if (event.pointerType !== 'mouse') return;
  const hit = found(event.target);
  if (hit && hit.span !== tip.anchor) glance(hit);
  else if (hit) tip.stay();
});
board.addEventListener('pointerout', (event) => { if (event.pointerType === 'mouse' && found(event.target)) leave(); });
board.addEventListener('focusin', (event) => {
  const hit = found(event.target);
  if (!hit || !hit.span.matches(':focus-visible')) return;
  if (model.selection?.pinned) pin(hit.method, hit.index);
  else glance(hit);
});
board.addEventListener('focusout', leave);
board.addEventListener('click', (event) => {
  const hit = found(event.target);
  if (!hit) return;
  const { selection } = model;
  if (selection?.pinned && selection.method === hit.method && selection.index === hit.index) close();
  else pin(hit.method, hit.index);
});
board.addEventListener('keydown', (event) => {
  const hit = found(event.target);
  if (!hit) return;
  const last = model.columns[hit.method].tokens.length - 1;
  const to = { ArrowRight: hit.index + 1, ArrowLeft: hit.index - 1, Home: 0, End: last }[event.key];
  if (to !== undefined) hit.view.focus(to);
  else if (event.key === 'Enter' || event.key === ' ') {
    pin(hit.method, hit.index);
    inspector.node.focus();
  } else return;
  event.preventDefault();
});
root.addEventListener('keydown', (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest('input, select, textarea');
  if (plain && (event.key === 'n' || event.key === 'p')) differences.jump(event.key === 'n' ? 1 : -1);
});
document.addEventListener('keydown', (event) => { if (event.key === 'Escape') close(); });

const read = () => feed.read(typeof props.value === 'string' ? props.value : '');
read();
watch('value', read);
