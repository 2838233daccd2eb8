"""A component of our own: JSON in, DOM nodes out.

`gr.HTML` runs its values through Handlebars and then a JavaScript template literal, so a value inside a template would
be executed. A panel's template is therefore a constant without placeholders; the value travels as a JSON string in
`props.value`, and the panel's script, loaded from disk, turns it into text nodes.
"""

import json
from pathlib import Path

import gradio as gr

ASSETS, PANELS = (Path(__file__).parent / name for name in ("assets", "panels"))


def script(*paths: Path) -> str:
    """The files' JavaScript joined, with the DOM helpers before it."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (ASSETS / "dom.js", *paths))


def say(data) -> str:
    """Data as a panel's value: JSON in ASCII only (it may hold lone surrogates), and without a literal `<`."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def panel(name: str, value: str | None, *paths: Path, **options) -> gr.HTML:
    """A component whose script draws its value, which `say` has made.

    name: class of its root element, and with "-view" its id, unless `options` name one. paths: its JavaScript files;
    they see `element`, `props`, `watch`, `trigger`, `server`, and the helpers of dom.js. (A function, as Gradio writes
    a stub file beside every subclass of a component.)
    """
    return gr.HTML(
        value,
        html_template=f'<div class="cope cope-{name}"></div>',
        js_on_load=script(*paths),
        apply_default_css=False,
        **{"elem_id": f"{name}-view", **options},
    )


def static(name: str) -> gr.HTML:
    """A constant piece of the page from assets; no value of anybody's is ever in it."""
    template = (ASSETS / f"{name}.html").read_text("utf-8")
    return gr.HTML(html_template=template, apply_default_css=False, js_on_load=None)
