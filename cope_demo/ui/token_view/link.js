// A link to what is shown, made only when its button is pressed: of a lesson its name, of a sample user the settings.

const LINK_LIMIT = 1500; // characters of a prompt; longer addresses are cut by mail programs and chats

class LinkButton {
  constructor(model) {
    this.model = model;
    this.button = el('button.quiet', { type: 'button', onclick: () => this.make() }, 'Copy link');
    this.told = el('p', { role: 'status' });
    this.field = el('input', { type: 'text', readonly: true, hidden: true, 'aria-label': 'The link', onfocus: () => this.field.select() });
    this.node = el('div.cope-link', { hidden: true }, this.button, this.field, this.told);
    for (const event of ['run', 'done', 'lesson']) model.on(event, () => this.refresh());
    this.refresh();
  }

  // Only a sample user has a name here; whoever fitted their own writing is "you", and gets no link.
  refresh() {
    const { run, lesson } = this.model;
    this.node.hidden = !run || run.going || !run.header.prompt || (run.who === 'you' && !lesson);
    this.field.hidden = true;
    this.told.textContent = '';
  }

  get query() {
    const { run, lesson } = this.model;
    if (lesson) return { lesson: lesson.id };
    const { user, prompt, alpha, tau, repetition_penalty } = run.header;
    const more = run.methods.filter((method) => !METHODS.includes(method));
    return { user, prompt, alpha, tau, repetition_penalty, ...run.decoding, ...(more.length ? { columns: more.join(',') } : {}) };
  }

  async make() {
    const { lesson, run } = this.model;
    if (!lesson && run.header.prompt.length > LINK_LIMIT) {
      this.told.textContent = `The prompt has ${run.header.prompt.length} characters, and a link holds ${LINK_LIMIT}; shorten it.`;
      return;
    }
    this.field.value = `${location.origin}${location.pathname}?${new URLSearchParams(this.query)}`;
    this.field.hidden = false;
    const holds = lesson ? 'It opens this lesson.' : 'It holds the sample user, the prompt and the settings, and opening it runs nothing.';
    try {
      await navigator.clipboard.writeText(this.field.value);
      this.told.textContent = `Copied. ${holds}`;
    } catch {
      this.field.focus();
      this.told.textContent = `Copy it from the field. ${holds}`;
    }
  }
}
