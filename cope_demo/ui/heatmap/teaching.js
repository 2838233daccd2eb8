// What teaches with a comparison: its lesson's text above the columns; a link to it and step mode below them.

const stepMode = new Steps(model);
const stepFold = el('details.cope-steps-fold', {}, el('summary', {}, 'Step mode', el('span', {}, 'one decision at a time, for a class')), stepMode.node);
stepMode.fold = (closed) => { stepFold.open = !closed; };
const lessonView = new LessonView(model, stepMode, typeof trigger === 'function');
root.prepend(lessonView.node);
if (typeof trigger === 'function') root.appendChild(new LinkButton(model).node);
root.appendChild(stepFold);

// A step's place comes into sight below the lesson's text, which stays at the top.
lessonView.node.addEventListener('cope-lesson-step', ({ detail }) => {
  const target = detail.show === 'steps' ? stepFold : detail.method ? root.querySelector(`.column[data-method="${detail.method}"]`) : board;
  const top = target?.getBoundingClientRect().top - lessonView.node.getBoundingClientRect().bottom - 12;
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (top < 0 || target?.getBoundingClientRect().top > innerHeight * 0.6) scrollBy({ top, behavior: still ? 'auto' : 'smooth' });
});
