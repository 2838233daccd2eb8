// How numbers become words and colours.

// What the colours can show. below, above: the fixed limits of the steps on either side of the neutral one.
const MEASURES = {
  reward: {
    label: 'Implicit reward', value: (token) => token.reward,
    explain: 'a token\u2019s log-probability for the person, less alpha times its log-probability in general',
    // log p(user) is never above 0 and the base model's share is small at a small alpha, so the limits above are finer.
    below: [-0.5, -2, -4], above: [0.05, 0.25, 0.75], ends: ['dotted line: below zero', 'solid line: above zero'],
  },
  difference: {
    label: 'Person against base', value: (token) => token.logp_user - token.logp_base,
    explain: 'a token\u2019s log-probability for the person, less its log-probability in general: the reward at alpha 1',
    below: [-0.25, -1, -2.5], above: [0.25, 1, 2.5],
    ends: ['dotted line: likelier in general', 'solid line: likelier for the person'],
  },
};
// -3 … 3: how many of the limits the value passes, 0 is neutral.
const step = ({ below, above }, value) => above.filter((limit) => value >= limit).length - below.filter((limit) => value <= limit).length;
const stepClass = (s) => (s === 0 ? 'r0' : `${s > 0 ? 'rp' : 'rn'}${Math.abs(s)}`);
const limit = (x) => (x < 0 ? `\u2212${-x}` : `+${x}`);
const scale = ({ below: b, above: a }) => [
  [-3, `below ${limit(b[2])}`], [-2, `${limit(b[2])} to ${limit(b[1])}`], [-1, `${limit(b[1])} to ${limit(b[0])}`], [0, 'near 0'],
  [1, `${limit(a[0])} to ${limit(a[1])}`], [2, `${limit(a[1])} to ${limit(a[2])}`], [3, `above ${limit(a[2])}`],
];

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
