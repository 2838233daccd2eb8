// The fit: its plan, its progress, its end. data = { state, lines, reload, stages, eta, position, plots, message, report, watched }.

import { draw, el, plural, rootOf, seconds } from '../assets/dom.js';
import { plot } from './plot.js';
import { Watching } from './watching.js';

const FORGETS = 'Your browser lets this page keep nothing here: once the fit has begun, keep the key that this page shows, and you may close or reload it.';

const stageRow = (stage) => {
  const fill = el('span.fill', {});
  const track = el('span.track', { role: 'progressbar', 'aria-label': stage.label, 'aria-valuemin': 0, 'aria-valuemax': 100 }, fill);
  const note = el('span.note', {});
  const node = el('li.stage', {}, el('span.name', {}, stage.label, el('span.what', {}, stage.what)), track, note);
  return { node, fill, track, note };
};
const updateRow = (row, stage) => {
  row.node.setAttribute('class', `stage ${stage.state}`);
  row.fill.style.width = `${(stage.share * 100).toFixed(1)}%`;
  row.track.setAttribute('aria-valuenow', Math.round(stage.share * 100));
  row.note.textContent = { waiting: '', running: `${Math.round(stage.share * 100)}\u202f%`, done: 'done' }[stage.state];
};

const headline = (data) => {
  if (data.state === 'queued') {
    return data.position ? `Waiting: ${plural(data.position, 'fit is', 'fits are')} before this one.` : 'Waiting to begin; this one is next.';
  }
  if (data.state === 'running') return data.eta === null ? 'Fitting.' : `Fitting: about ${seconds(data.eta)} to go.`;
  return data.message;
};

const reportView = (report) => el('div.report', {},
  el('p.lead', {}, report.lead), el('p.judgement', {}, report.judgement), report.warning ? el('p.warning', {}, report.warning) : null);

/**
 * @param {import('../assets/dom.js').Component} component
 */
export function mount(component) {
  const root = rootOf(component);
  const announcement = el('p.heard', { role: 'status' }); // for screen readers: only when the stage changes
  const body = el('div', {});
  root.append(announcement, body);
  let rows = null;
  let watching = new Watching();

  const showWatched = (data) => {
    if (!data.watched) return;
    if (!watching.node.isConnected) body.appendChild(watching.node);
    watching.update(data.watched, root.clientWidth);
  };
  const showProgress = (data) => {
    if (!rows) {
      rows = { head: el('p.headline', { tabindex: -1 }), stages: data.stages.map(stageRow), plots: el('div.plots', {}) };
      watching = new Watching();
      body.replaceChildren(rows.head, el('div.watch', {}, el('ol.stages', {}, rows.stages.map((row) => row.node)), rows.plots));
    }
    rows.head.textContent = headline(data);
    data.stages.forEach((stage, i) => updateRow(rows.stages[i], stage));
    const width = root.clientWidth > 840 ? root.clientWidth * 0.42 : root.clientWidth - 30;
    rows.plots.replaceChildren(...data.plots.map((one) => plot(one, Math.max(240, width))));
    const now = data.stages.find((stage) => stage.state === 'running');
    const sentence = now ? `${now.label}: ${now.what}` : headline(data);
    if (announcement.textContent !== sentence) announcement.textContent = sentence;
    showWatched(data);
  };

  draw(component, (data) => {
    if (data.stages) return showProgress(data);
    rows = null;
    announcement.textContent = '';
    body.replaceChildren();
    if (data.message) body.appendChild(el(`p.headline.${data.state}`, { role: data.state === 'failed' ? 'alert' : 'status' }, data.message));
    for (const line of data.lines || []) body.appendChild(el('p.line', {}, line));
    if (data.reload) body.appendChild(el('p.line', {}, Object.hasOwn(window, 'copeForgets') ? FORGETS : data.reload));
    if (data.report) body.appendChild(reportView(data.report));
    watching = new Watching();
    showWatched(data);
  });
}
