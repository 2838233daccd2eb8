// The adapters as a zip: data = { state: "none" | "ready" | "link" | "problem", path, filename, bytes, message }.
const button = el('button.quiet', { type: 'button', onclick: () => { told.textContent = 'Packing\u2026'; trigger('take', {}); } }, 'Download the adapters (zip)');
const told = el('span.told', { role: 'status' }, '');
const hint = 'With a model card, and code that loads them with peft. Your texts are not in it.';

draw((data) => {
  if (data.state === 'none') { root.replaceChildren(); return; }
  if (!button.isConnected) root.replaceChildren(button, told);
  told.classList.toggle('failed', data.state === 'problem');
  told.textContent = data.state === 'problem' ? data.message : hint;
  if (data.state !== 'link' || !/^adapters\/[0-9a-f]{64}$/.test(data.path)) return;
  el('a', { href: data.path, download: data.filename }).click();
  told.textContent = `${data.filename}, ${(data.bytes / 1e6).toFixed(1)}\u202fMB, is on its way. The link works once.`;
});
