// What a page of the site does by itself: light or dark as the system has it, and its one component mounted, without a server.

const scheme = matchMedia('(prefers-color-scheme: dark)');
const dress = () => {
  for (const node of [document.documentElement, document.body]) node.classList.toggle('dark', scheme.matches);
};
scheme.addEventListener('change', dress);
dress(); // this script is the first thing in the body, so that nothing shows in the wrong colours

// The page that "Save" fills. It comes as a script, as a page from a disk may not read files, and only when it is asked for.
const emptyPage = () => new Promise((resolve, reject) => {
  const script = document.createElement('script');
  script.src = 'assets/empty_page.js';
  script.onload = () => resolve(globalThis.copeEmptyPage);
  script.onerror = reject;
  document.head.append(script);
});

addEventListener('DOMContentLoaded', () => {
  const element = document.getElementById('view');
  if (!element) return;
  const { value } = JSON.parse(document.getElementById('data').textContent);
  globalThis.cope.mount({ element, props: { value }, watch: () => {}, trigger: null, server: { empty_page: emptyPage } });
});
