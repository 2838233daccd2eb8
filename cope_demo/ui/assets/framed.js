// What runs before all else of the page: it makes up for what a browser may refuse a page in a frame of another site, as a
// Space is shown.

// Where nothing may be stored, naming `localStorage` throws, in Gradio's own scripts as well. Then a memory stands in its
// place that lasts as long as the page, and panels/comeback.js says so.
class PageMemory {
  #values = new Map();
  get length() { return this.#values.size; }
  key(at) { return [...this.#values.keys()][at] ?? null; }
  getItem(name) { return this.#values.get(String(name)) ?? null; }
  setItem(name, value) { this.#values.set(String(name), String(value)); }
  removeItem(name) { this.#values.delete(String(name)); }
  clear() { this.#values.clear(); }
}

/** @param {'localStorage' | 'sessionStorage'} name */
const isRefused = (name) => {
  try {
    window[name].getItem('cope');
    return false;
  } catch {
    Object.defineProperty(window, name, { value: new PageMemory() });
    return true;
  }
};
isRefused('sessionStorage');
if (isRefused('localStorage')) Object.defineProperty(window, 'copeForgets', { value: true });

// Hugging Face's own pages do not show in a frame, so one signs in in a tab of its own. Gradio's button would lead the frame
// there; leaving is possible where one is.
if (window.parent !== window) {
  addEventListener('click', (event) => {
    const button = /** @type {Element} */ (event.target).closest?.('#login');
    if (!button || !button.textContent.includes('Sign in')) return;
    event.stopImmediatePropagation();
    open(new URL('login/huggingface?_target_url=/', document.baseURI), '_blank', 'noopener');
  }, true);
}
