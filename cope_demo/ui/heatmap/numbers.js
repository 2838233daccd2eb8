// How numbers become words and colours.

// The fixed scale: a reward's step is the number of limits it passes, with its sign; 0 is neutral. Rewards above zero
// are small, as log p(user) is never above 0 and the base model's share is weighed by alpha, so their limits are finer.
const BELOW = [-0.5, -2, -4];
const ABOVE = [0.05, 0.25, 0.75];
const step = (reward) => ABOVE.filter((limit) => reward >= limit).length - BELOW.filter((limit) => reward <= limit).length;
const number = (x) => (x < 0 ? `\u2212${-x}` : `+${x}`);
const SCALE = [
  [-3, `below ${number(BELOW[2])}`], [-2, `${number(BELOW[2])} to ${number(BELOW[1])}`], [-1, `${number(BELOW[1])} to ${number(BELOW[0])}`],
  [0, 'near 0'],
  [1, `${number(ABOVE[0])} to ${number(ABOVE[1])}`], [2, `${number(ABOVE[1])} to ${number(ABOVE[2])}`], [3, `above ${number(ABOVE[2])}`],
];
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
