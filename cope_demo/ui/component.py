"""A component of our own: JSON in, DOM nodes out.

`gr.HTML` runs its values through Handlebars and then a JavaScript template literal, so a value inside a template would
be executed. A panel's template is therefore a constant without placeholders; the value travels as a JSON string in
`props.value`, and the panel's script turns it into text nodes. The scripts are bundles of ES modules, made by
`make bundles` and committed, so that nothing but Python is needed to serve them.
"""

import json
from pathlib import Path

import gradio as gr

ASSETS = Path(__file__).parent / "assets"
BUNDLES = Path(__file__).parent / "bundles"


def script(bundle: str, **settings) -> str:
    """A bundle's JavaScript and the call that mounts its component, with the names that Gradio gives a script.

    settings: what its `mount` takes as second argument.
    """
    code = (BUNDLES / f"{bundle}.js").read_text(encoding="utf-8")
    return f"{code}\ncope.mount({{ element, props, watch, trigger, server }}, {json.dumps(settings)});\n"


def mount_alone(bundle: str, value: str) -> str:
    """JavaScript that mounts a component in #view of a file without a server, in the colours that the browser prefers.

    value: the JavaScript of what it shows.
    """
    return f"""const scheme = matchMedia('(prefers-color-scheme: dark)');
const dress = () => document.body.classList.toggle('dark', scheme.matches);
scheme.addEventListener('change', dress);
dress();
((element, props, watch, trigger, server) => {{
{script(bundle)}
}})(document.getElementById('view'), {{ value: {value} }}, () => {{}}, null, {{}});"""


def say(data) -> str:
    """Data as a panel's value: JSON in ASCII only (it may hold lone surrogates), and without a literal `<`."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")


def panel(name: str, value: str | None, bundle: str, settings: dict | None = None, **options) -> gr.HTML:
    """A component whose script draws its value, which `say` has made.

    name: class of its root element, and with "-view" its id, unless `options` name one. bundle: its script in bundles/;
    settings: what that script's `mount` takes. (A function, as Gradio writes a stub file beside every subclass of a
    component.)
    """
    return gr.HTML(
        value,
        html_template=f'<div class="cope cope-{name}"></div>',
        js_on_load=script(bundle, **(settings or {})),
        apply_default_css=False,
        **{"elem_id": f"{name}-view", **options},
    )


def static(name: str, **options) -> gr.HTML:
    """A constant piece of the page from assets; no value of anybody's is ever in it."""
    template = (ASSETS / f"{name}.html").read_text("utf-8")
    return gr.HTML(html_template=template, apply_default_css=False, js_on_load=None, **options)
