// What the page opens with, before Gradio is there: light or dark, the demonstration, and the chapters behind it.

import { mount } from '../panels/demonstration.js';
import { runChapters } from './chapters.js';

const wanted = new URLSearchParams(location.search).get('__theme');
if (wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)) document.body.classList.add('dark'); // as Gradio will
runChapters();
mount({
  element: /** @type {HTMLElement} */ (document.querySelector('.opening')),
  props: { value: document.getElementById('opening-data').textContent },
  watch: () => {},
  trigger: null,
  server: {},
});
