// How numbers become words and colours.

// The fixed scale: a reward's step is the number of limits it passes, with its sign; 0 is neutral.
const LIMITS = [0.25, 1, 2.5];
const step = (reward) => Math.sign(reward) * LIMITS.filter((limit) => Math.abs(reward) >= limit).length;
const stepClass = (s) => (s === 0 ? 'r0' : `${s > 0 ? 'rp' : 'rn'}${Math.abs(s)}`);

const percent = (logp) => {
  const p = Math.exp(logp) * 100;
  if (p >= 99.95) return '100\u202f%';
  if (p >= 10) return `${p.toFixed(0)}\u202f%`;
  if (p >= 0.1) return `${p.toFixed(1)}\u202f%`;
  return p >= 0.01 ? `${p.toFixed(2)}\u202f%` : '<\u202f0.01\u202f%';
};
const ordinal = (n) => {
  const tens = n % 100;
  const ending = tens > 10 && tens < 14 ? 'th' : ['th', 'st', 'nd', 'rd'][n % 10] || 'th';
  return `${n}${ending}`;
};

// A token on one line, with what cannot be seen made visible.
const VISIBLE = { ' ': '\u2423', '\n': '\u21b5', '\t': '\u21e5', '\r': '\u240d' };
const visible = (text) => (text === '' ? '(part of a character)' : text.replace(/[ \n\t\r]/g, (c) => VISIBLE[c]));
// The same for a listener.
const HEARD = { '\n': 'new line', '\t': 'tab', ' ': 'space', '': 'part of a character' };
const spoken = (text) => text.trim() || HEARD[text] || (text.includes('\n') ? 'new line' : 'space');
