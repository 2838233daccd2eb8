// The token view itself: reads the growing text of messages, keeps the run, and answers pointer, keyboard and download.

const status = el('p.status', { role: 'status' });
const save = el('button.quiet', { type: 'button', hidden: true, onclick: () => download() }, 'Download the trace (JSON)');
const board = el('div.columns', {});
const legend = new Legend(() => { for (const view of Object.values(run?.views || {})) view.paint(legend.measure); });
fill(root, [legend.node, el('div.bar-line', {}, status, save), board]);
const tip = new Tooltip(root);

let run = null;      // { id, who, alpha, header, views, going, heard, seconds }
let text = '';       // what has been read of the value so far

function start(message) {
  tip.hide();
  const { t, run: id, who, methods, ...header } = message;
  run = { id, who, header, alpha: header.alpha ?? 0, methods: methods || METHODS, views: {}, going: t === 'start', heard: Date.now() };
  board.replaceChildren();
  for (const method of run.methods) {
    run.views[method] = new ColumnView(method, who);
    board.appendChild(run.views[method].node);
    if (run.going) run.views[method].begin();
  }
  save.hidden = true;
  say(run.going ? 'Writing…' : '');
}

function addRows(rows) {
  for (const [method, index, id, piece, user, base, score, inHead, head, others] of rows) {
    const view = run.views[method];
    if (!view || index !== view.tokens.length) continue;
    const reward = user - run.alpha * base;
    view.add(legend.measure, {
      id, text: piece, logp_user: user, logp_base: base, reward, score, in_head: !!inHead, head_size: head,
      alternatives: others.map(([oid, otext, ouser, obase, oscore, oin]) => ({
        id: oid, text: otext, logp_user: ouser, logp_base: obase, reward: ouser - run.alpha * obase, score: oscore, in_head: !!oin,
      })),
    });
  }
}

function finish(stopped, sentence, failed = false) {
  if (!run) return;
  run.going = false;
  for (const view of Object.values(run.views)) if (view.stopped === null) view.end(stopped);
  save.hidden = !Object.values(run.views).some((view) => view.tokens.length);
  say(sentence, failed);
}

function say(sentence, failed = false) {
  status.textContent = sentence;
  status.classList.toggle('failed', failed);
}

const handlers = {
  idle: (message) => { start(message); say(message.message || ''); },
  start,
  wait: (message) => say(message.message),
  tokens: (message) => { addRows(message.rows); if (run.going) say('Writing…'); },
  end: (message) => run.views[message.method]?.end(message.stopped),
  done: (message) => finish('stopped', `${message.seconds ? `Done in ${seconds(message.seconds)}. ` : ''}Point at a token, or tap it, to see why it was chosen.`),
  error: (message) => finish('broken', message.message, true),
};

// The value only grows during a run, so each update is read from where the last one ended.
function read() {
  const value = typeof props.value === 'string' ? props.value : '';
  if (!value.startsWith(text) || value.length < text.length) text = '';
  const fresh = value.slice(text.length, value.lastIndexOf('\n') + 1);
  if (!fresh) return;
  text += fresh;
  waitingSince = null;
  for (const row of fresh.split('\n')) {
    if (!row) continue;
    let message = null;
    try { message = JSON.parse(row); } catch { continue; }
    if (!run && message.t !== 'start' && message.t !== 'idle') start({ t: 'start', who: 'you', run: '' });
    handlers[message.t]?.(message);
  }
  if (run) run.heard = Date.now();
}

function download() {
  const { header, views, methods } = run;
  const columns = methods.map((method) => ({
    method, text: views[method].tokens.map((token) => token.text).join(''), stopped: views[method].stopped, tokens: views[method].tokens,
  }));
  const blob = new Blob([JSON.stringify({ ...header, columns }, null, 1)], { type: 'application/json' });
  const link = el('a', { href: URL.createObjectURL(blob), download: 'cope-trace.json' });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// The buttons live outside; they tell us what was pressed.
let waitingSince = null;
let stopped = false;
root.addEventListener('cope-begin', () => {
  waitingSince = Date.now();
  stopped = false;
  tip.hide();
  say('Asking the model…');
  const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (board.getBoundingClientRect().top > innerHeight * 0.6) root.scrollIntoView({ behavior: calm ? 'auto' : 'smooth' });
});
root.addEventListener('cope-stop', () => {
  waitingSince = null;
  stopped = true;
  if (run?.going) finish('stopped', 'Stopped. What was written so far stays.');
  else say('Stopped before it began.');
});
root.addEventListener('cope-failed', () => {
  waitingSince = null;
  if (stopped) return;  // Gradio may count a cancelled stream as a failed one
  const sentence = 'The comparison could not be carried out; the server may be busy. Please try again in a moment.';
  if (run?.going) finish('broken', sentence, true);
  else say(sentence, true);
});

// A stream that falls silent: ask the server, and say so in a sentence when it no longer answers.
let asking = false;
setInterval(async () => {
  const silent = run?.going ? Date.now() - run.heard : waitingSince ? Date.now() - waitingSince : 0;
  if (asking || silent < 4000) return;
  asking = true;
  const given = run?.going ? run.id : '';
  try {
    const answer = await Promise.race([server.alive(given), new Promise((_, no) => setTimeout(() => no(new Error('late')), 8000))]);
    if (answer !== 'here' && answer !== 'gone') throw new Error('no answer');  // Gradio swallows a failed request
    if (run?.going && run.id === given && answer === 'gone') broke('The comparison broke off on the server. What was written so far stays; please try again.');
    else if (waitingSince) say('Waiting for a free place: others are comparing right now.');
  } catch {
    broke('The server no longer answers. What was written so far stays; please try again in a moment.');
  }
  asking = false;
}, 2000);
function broke(sentence) {
  waitingSince = null;
  if (run?.going) finish('broken', sentence, true);
  else say(sentence, true);
}

// Why this token: hover, focus, tap, keyboard.
const found = (target) => {
  const span = target.closest?.('.tok');
  if (!span || !root.contains(span)) return null;
  const method = span.closest('.column').dataset.method;
  const view = run.views[method];
  return { span, view, method, index: Number(span.dataset.index), token: view.tokens[Number(span.dataset.index)] };
};
const reveal = (hit, pinned) => tip.show(hit.span, tipContent(hit.token, run, hit.method), pinned);

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
  const last = hit.view.tokens.length - 1;
  const to = { ArrowRight: hit.index + 1, ArrowLeft: hit.index - 1, Home: 0, End: last }[event.key];
  if (to !== undefined) hit.view.focus(to);
  else if (event.key === 'Enter' || event.key === ' ') reveal(hit, true);
  else return;
  event.preventDefault();
});

read();
watch('value', read);
