// The columns as a picture, drawn on a canvas of a fixed width with the colours of the page as it is, light or dark.

import { columnsPerRow } from './columns.js';
import { MAIN_METHOD } from './methods.js';
import { UNSEEN, clip, isEnd, showInvisible } from './numbers.js';
import { figures, outcome } from './summary.js';

const PAPER = { width: 1240, margin: 28, gap: 18, inside: 18, line: 30, size: 17 };
const TALLEST = 16_000; // pixels of a canvas that every browser makes

export class Picture {
  /**
   * @param {import('./model.js').Model} model
   * @param {import('./legend.js').Legend} legend
   * @param {HTMLElement} root whose colours the picture takes
   */
  constructor(model, legend, root) {
    this.model = model;
    this.legend = legend;
    const style = getComputedStyle(root);
    this.colour = (name) => style.getPropertyValue(`--cope-${name}`).trim();
    this.intensity = Number(root.style.getPropertyValue('--cope-intensity')) || 0.75;
    this.canvas = document.createElement('canvas');
    this.pen = this.canvas.getContext('2d');
    const { methods } = model.run;
    const across = columnsPerRow(methods.length);
    this.columnWidth = (PAPER.width - 2 * PAPER.margin - (across - 1) * PAPER.gap) / across;
    this.factRows = across > 3 ? 2 : 1;
    const columns = methods.map((method) => this.lay(method));
    const rows = columns.reduce((list, column, number) => {
      if (number % across === 0) list.push({ columns: [], lines: 0 });
      const row = list[list.length - 1];
      row.columns.push(column);
      row.lines = Math.max(row.lines, column.lines.length);
      return list;
    }, []);
    const top = 148 + (legend.measure.limits(1).length ? 44 : 0);
    const footer = this.wrap(this.footer(), PAPER.width - 2 * PAPER.margin, this.font(13));
    for (const row of rows) row.height = row.lines * PAPER.line + 116 + this.factRows * 34;
    const bottom = rows.reduce((y, row) => y + row.height, top + (rows.length - 1) * PAPER.gap);
    const height = bottom + footer.length * 19 + PAPER.margin;
    const scale = Math.min(2, TALLEST / height);
    this.canvas.width = PAPER.width * scale;
    this.canvas.height = height * scale;
    this.pen.scale(scale, scale);
    this.pen.fillStyle = this.colour('paper');
    this.pen.fillRect(0, 0, PAPER.width, height);
    this.head();
    rows.reduce((y, row) => {
      row.columns.forEach((column, number) => this.column(column, PAPER.margin + number * (this.columnWidth + PAPER.gap), y, row.height));
      return y + row.height + PAPER.gap;
    }, top);
    footer.forEach((words, number) => this.say(words, PAPER.margin, bottom + 24 + number * 19, this.font(13), 'soft'));
  }

  font(size, weight = 400, family = 'sans') {
    return `${weight} ${size}px ${this.colour(family)}`;
  }

  say(words, x, y, font, colour = 'ink', align = 'left') {
    Object.assign(this.pen, { font, fillStyle: this.colour(colour), textAlign: align, textBaseline: 'alphabetic', direction: 'ltr' });
    this.pen.fillText(words, x, y);
  }

  footer() {
    const { model, user, task, alpha, tau, repetition_penalty: penalty, prompt } = this.model.run.header;
    const { decoding } = this.model.run;
    const sampling = decoding?.temperature > 0 ? `, temperature ${decoding.temperature}, seed ${decoding.seed}` : '';
    const own = this.model.run.methods.filter((method) => this.model.prompt(method) !== null).map((method) => this.model.name(method));
    const more = own.length ? ` ${own.join(' and ')}: with texts of the history before it.` : '';
    return `${model}, user ${user}, ${String(task).replace(/_/g, ' ')}; alpha ${alpha}, tau ${tau}, repetition penalty ${penalty}${sampling}. Prompt: ${clip(showInvisible(prompt).replace(/\u2423/g, ' '), 600)}${more}`;
  }

  wrap(text, width, font) {
    this.pen.font = font;
    const lines = [''];
    for (const word of text.split(/(?<= )/)) {
      for (const piece of this.pen.measureText(word).width > width ? word.match(/.{1,60}/gsu) || [] : [word]) {
        if (this.pen.measureText(lines[lines.length - 1] + piece).width > width) lines.push('');
        lines[lines.length - 1] += piece;
      }
    }
    return lines;
  }

  head() {
    const { measure } = this.legend;
    const { who } = this.model.run;
    const limits = measure.limits(this.legend.range);
    this.say('One prompt, side by side', PAPER.margin, 56, this.font(28, 400, 'serif'));
    this.say(`${measure.label(who)}: ${measure.explain(who)}.${this.legend.tellOther()}`, PAPER.margin, 86, this.font(13), 'soft');
    const width = 760 / Math.max(1, limits.length);
    limits.forEach(([s, words], number) => {
      const x = PAPER.margin + number * width;
      this.swatch(s, x, 98, width, 26);
      this.say('ab', x + width / 2, 116, this.font(15, 400, 'serif'), 'ink', 'center');
      if (this.legend.signed) this.underline(s, x + width / 2 - 8, 120, 16);
      this.say(words, x + width / 2, 140, this.font(11.5), 'soft', 'center');
    });
    if (!limits.length) return;
    this.say(measure.ends(who)[0], PAPER.margin, 160, this.font(12), 'soft');
    this.say(measure.ends(who)[1], PAPER.margin + 760, 160, this.font(12), 'soft', 'right');
    this.say('folded corner: contrast overruled the favourite', PAPER.width - PAPER.margin, 160, this.font(12), 'soft', 'right');
  }

  swatch(s, x, y, width, height) {
    if (!s) return;
    const share = [0, Number(this.colour('step1')), Number(this.colour('step2')), 1][Math.abs(s)] * this.intensity;
    this.pen.fillStyle = `rgb(${this.colour(s > 0 ? 'p-tint' : 'n-tint')} / ${share})`;
    this.pen.fillRect(x, y, width, height);
  }

  underline(s, x, y, width) {
    if (!s) return;
    this.pen.strokeStyle = this.colour(s > 0 ? 'p-mark' : 'n-mark');
    this.pen.lineWidth = 1.5;
    this.pen.setLineDash(s > 0 ? [] : [2, 2]);
    this.pen.beginPath();
    this.pen.moveTo(x, y);
    this.pen.lineTo(x + width, y);
    this.pen.stroke();
    this.pen.setLineDash([]);
  }

  // Lays a column's tokens into lines of pieces { text, x, width, index, first }; words are kept whole where they fit.
  lay(method) {
    const { tokens } = this.model.columns[method];
    const width = this.columnWidth - 2 * PAPER.inside;
    this.pen.font = this.font(PAPER.size, 400, 'serif');
    const measure = (text) => this.pen.measureText(text).width;
    const lines = [[]];
    let x = 0;
    const newLine = () => { lines.push([]); x = 0; };
    const put = (piece) => {
      if (x && x + piece.width > width) newLine();
      lines[lines.length - 1].push({ ...piece, x });
      x += piece.width;
    };
    let word = [];
    const flush = () => {
      const total = word.reduce((sum, piece) => sum + piece.width, 0);
      if (x && x + total > width && total <= width) newLine();
      word.forEach(put);
      word = [];
    };
    const room = Math.floor(TALLEST / PAPER.line) - 20;
    tokens.forEach((token, index) => {
      if (lines.length > room) return;
      let first = true;
      const parts = token.text === '' ? [isEnd(token) ? '\u25a0' : '\u22ef'] : token.text.match(/\n|[^\S\n]|[^\s]{1,40}/gsu) || [];
      for (const part of parts) {
        const text = part === '\n' ? '\u21b5' : part.replace(UNSEEN, (c) => (c === '\u200d' ? c : '\u25cc'));
        const piece = { text, width: measure(text), index, first };
        first = false;
        if (part === '\n') { flush(); put(piece); newLine(); } else if (!part.trim()) { flush(); put(piece); } else word.push(piece);
      }
    });
    flush();
    if (lines.length > room) { lines.length = room; lines.push([{ text: '\u2026', x: 0, width: 16, index: -1 }]); }
    return { method, lines };
  }

  column({ method, lines }, x, y, height) {
    const { pen } = this;
    const { tokens } = this.model.columns[method];
    pen.fillStyle = this.colour('card');
    pen.strokeStyle = this.colour(method === MAIN_METHOD ? 'you' : 'line');
    pen.lineWidth = 1;
    pen.beginPath();
    pen.roundRect(x, y, this.columnWidth, height, 12);
    pen.fill();
    pen.stroke();
    const left = x + PAPER.inside;
    this.say(this.model.name(method), left, y + 32, this.font(17, 600), method === MAIN_METHOD ? 'you' : 'ink');
    this.rule(left, y + 46);
    lines.forEach((line, number) => {
      const base = y + 76 + number * PAPER.line;
      line.forEach((piece, order) => {
        const token = tokens[piece.index];
        if (!token) { this.say(piece.text, left + piece.x, base, this.font(PAPER.size, 400, 'serif')); return; }
        const { measure, range } = this.legend;
        const s = measure.step(measure.value(token), range);
        this.swatch(s, left + piece.x, base - 17, piece.width, 23);
        if (this.legend.signed) this.underline(s, left + piece.x, base + 5, piece.width);
        this.say(piece.text, left + piece.x, base, this.font(PAPER.size, 400, 'serif'));
        const ends = line[order + 1]?.index !== piece.index;
        if (ends && this.model.isOverruled(method, piece.index)) this.corner(left + piece.x + piece.width, base - 17);
        if (piece.first && this.model.forks(method).some((fork) => fork.at === piece.index)) {
          pen.fillStyle = this.colour('accent');
          pen.fillRect(left + piece.x - 2, base - 17, 3, 23);
        }
      });
    });
    const foot = y + height - 20 - this.factRows * 34;
    this.rule(left, foot - 12);
    const facts = figures(this.model, method, this.legend.measure);
    const words = outcome(this.model, method);
    this.say(words, left, foot + 10, this.font(13), 'soft');
    const factsPerRow = Math.max(1, Math.ceil(facts.length / this.factRows));
    const each = (this.columnWidth - 2 * PAPER.inside) / factsPerRow;
    facts.forEach(([name, figure], number) => {
      const [x, down] = [left + (number % factsPerRow) * each, foot + 30 + Math.floor(number / factsPerRow) * 34];
      this.say(figure, x, down, this.font(14, 600));
      this.say(clip(name.replace('likeness', ''), Math.floor(each / 5.2)), x, down + 14, this.font(10), 'soft');
    });
  }

  rule(x, y) {
    this.pen.fillStyle = this.colour('line');
    this.pen.fillRect(x, y, this.columnWidth - 2 * PAPER.inside, 1);
  }

  corner(x, y) {
    this.pen.fillStyle = this.colour('ink');
    this.pen.beginPath();
    this.pen.moveTo(x - 7, y);
    this.pen.lineTo(x, y);
    this.pen.lineTo(x, y + 7);
    this.pen.fill();
  }
}
