// Example prompts to click: data = { label, prompts: [...] }.
draw(({ label, prompts }) => {
  root.replaceChildren();
  if (!prompts.length) return;
  root.appendChild(el('p.label', {}, label));
  root.appendChild(el('div.chips', {}, prompts.map((text) =>
    el('button.chip', { type: 'button', title: text, onclick: () => trigger('use', { text }) }, text))));
});
