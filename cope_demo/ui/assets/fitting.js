// The fit: its plan, its progress, its end. data = { state, lines, stages, eta, position, loss, margin, message, report }.
root.setAttribute('aria-live', 'polite');

const stageRow = (stage) => el(`li.stage.${stage.state}`, {},
  el('span.name', {}, stage.label, el('span.what', {}, stage.what)),
  el('span.track', { role: 'progressbar', 'aria-label': stage.label, 'aria-valuemin': 0, 'aria-valuemax': 100, 'aria-valuenow': Math.round(stage.share * 100) },
    el('span.done', { style: `width:${(stage.share * 100).toFixed(1)}%` })),
  el('span.state', {}, { waiting: '', running: `${Math.round(stage.share * 100)}\u202f%`, done: 'done' }[stage.state]));

const headline = (data) => {
  if (data.state === 'queued') {
    return data.position ? `Waiting: ${plural(data.position, 'fit is', 'fits are')} before yours.` : 'Waiting to begin; yours is next.';
  }
  if (data.state === 'running') return data.eta === null ? 'Fitting.' : `Fitting: about ${seconds(data.eta)} to go.`;
  return data.message;
};

const reportView = (report) => {
  const best = Math.max(...report.rows.map((row) => row.bits));
  return el('div.report', {},
    el('p.lead', {}, report.lead),
    el('table', {},
      el('caption', {}, report.caption),
      el('thead', {}, el('tr', {}, el('th', { scope: 'col' }, ''), el('th', { scope: 'col' }, 'bits per token'), el('th', { scope: 'col' }, 'told apart'))),
      el('tbody', {}, report.rows.map((row) => el('tr', {}, el('th', { scope: 'row' }, row.name),
        el('td.bits', { style: `--share:${(row.bits / best).toFixed(3)}` }, row.bits.toFixed(2)), el('td', {}, row.right))))),
    report.warning ? el('p.warning', {}, report.warning) : null);
};

draw((data) => {
  root.replaceChildren();
  for (const line of data.lines || []) root.appendChild(el('p.line', {}, line));
  const head = data.stages || data.message ? headline(data) : null;
  if (head) root.appendChild(el(`p.headline.${data.state}`, { role: data.state === 'failed' ? 'alert' : 'status' }, head));
  if (data.stages) {
    root.appendChild(el('div.watch', {}, el('ol.stages', {}, data.stages.map(stageRow)),
      el('div.plots', {}, plot('Loss', data.loss.points, data.loss.of, 'nats a token'),
        plot('Margin', data.margin.points, data.margin.of, 'own text over sample', true))));
  }
  if (data.report) root.appendChild(reportView(data.report));
});
