// One sentence across the page: data = { kind: "wait" | "problem" | "none", message }.
draw(({ kind, message }) => {
  root.replaceChildren();
  if (kind !== 'none') root.appendChild(el(`p.notice.${kind}`, { role: kind === 'problem' ? 'alert' : 'status' }, message));
});
