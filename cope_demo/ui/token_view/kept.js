// A comparison outlives a reload of its page: what was read of it is put into this tab's own storage when the page goes, and
// read again when the same person is chosen after the reload. It never leaves the tab, and goes with it.

const KEY = 'cope-comparison';

// Where a browser forbids it, nothing is kept.
const tabStorage = () => {
  try {
    return sessionStorage;
  } catch {
    return { getItem: () => null, setItem() {}, removeItem() {} };
  }
};

export class Kept {
  /**
   * @param {import('./model.js').Model} model
   * @param {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} [storage]
   */
  constructor(model, storage = tabStorage()) {
    this.model = model;
    this.storage = storage;
    this.rows = [];        // the messages since the comparison began
    this.person = null;    // whom the page has chosen; null in a view that nobody chooses for
    this.arrived = false;  // whether the page has said whom it opens with
  }

  // Every message that the view takes.
  record(message) {
    if (message.t === 'start') this.rows = [];
    if (message.t !== 'wait') this.rows.push(message);
  }

  // Whom the page opens with.
  meet({ user }) {
    this.person = user ?? this.person;
    this.arrived = true;
  }

  // The empty view: the messages to show instead, where the page was reloaded for the same person; else none.
  restore(message) {
    this.rows = [];
    if (!message.opening) {
      this.person = message.user ?? this.person;
      if (this.arrived) this.storage.removeItem(KEY); // somebody else was chosen, or everything deleted
      return [];
    }
    this.meet(message);
    try {
      const kept = JSON.parse(this.storage.getItem(KEY));
      return kept?.person === this.person ? kept.rows : [];
    } catch {
      return [];
    }
  }

  save() {
    if (this.person === null || !this.model.run?.id) return;
    try {
      this.storage.setItem(KEY, JSON.stringify({ person: this.person, rows: this.rows }));
    } catch { /* a full storage keeps nothing */ }
  }
}
