"""A trace as one HTML file that needs no server: the token view with its tooltips, and the data beside it."""

from . import wire
from .heatmap import CSS, SCRIPTS
from .panel import ASSETS, say, script

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CoPe comparison</title>
<style>
%(css)s
body { margin: 0; padding: 28px; background: var(--cope-paper); color: var(--cope-ink); font-family: var(--cope-sans); }
h1 { font: 400 30px/1.2 var(--cope-serif); margin: 0 0 6px; }
#about { margin: 0 0 22px; color: var(--cope-soft); overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>One prompt, side by side</h1>
<p id="about"></p>
<div id="view"><div class="cope cope-heatmap"></div></div>
<script type="application/json" id="data">%(data)s</script>
<script>
const data = JSON.parse(document.getElementById('data').textContent);
document.getElementById('about').textContent = data.about;
const scheme = matchMedia('(prefers-color-scheme: dark)');
const dress = () => document.body.classList.toggle('dark', scheme.matches);
scheme.addEventListener('change', dress);
dress();
((element, props, watch, trigger, server) => {
%(script)s
})(document.getElementById('view'), { value: data.messages }, () => {}, () => {}, { alive: async () => 'here' });
</script>
</body>
</html>
"""


def standalone_html(trace: dict, who: str = "the person") -> str:
    """The trace's JSON (trace.Trace.to_json) as a page. who: how it speaks of the person."""
    about = (
        f"{trace['model']}, user {trace['user']}, alpha {trace['alpha']:g}, tau {trace['tau']:g}, repetition penalty "
        f"{trace['repetition_penalty']:g}. Prompt: {trace['prompt']}"
    )
    css = "\n".join(path.read_text("utf-8") for path in (ASSETS / "tokens.css", *CSS))
    return _PAGE % {
        "css": css,
        "data": say({"about": about, "messages": wire.whole(trace, who)}),
        "script": script(*SCRIPTS),
    }
