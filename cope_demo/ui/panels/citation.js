// The paper's BibTeX with a button that copies it: data = { bibtex }.
draw(({ bibtex }) => {
  const text = el('pre', { tabindex: 0 }, bibtex);
  const said = el('span.told', { role: 'status' }, '');
  const copy = async () => {
    getSelection().selectAllChildren(text);
    try { await navigator.clipboard.writeText(bibtex); said.textContent = 'Copied.'; } catch { said.textContent = 'Selected; copy it with the keyboard.'; }
  };
  root.replaceChildren(el('details', {}, el('summary', {}, 'Cite the method'), text, el('p', {}, el('button.quiet', { type: 'button', onclick: copy }, 'Copy'), ' ', said)));
});
