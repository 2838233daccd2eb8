"""A trace as one HTML file that needs no server: the token view with its tooltips, and the data beside it."""

from cope_demo.ui.component import ASSETS, mount_alone, say

from . import wire
from .heatmap import BUNDLE, CSS

_PAGE = r"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CoPe comparison</title>
<style>
%(css)s
body { margin: 0; padding: 28px; background: var(--cope-paper); color: var(--cope-ink); font-family: var(--cope-sans); }
h1 { font: 400 30px/1.2 var(--cope-serif); margin: 0 0 6px; }
#about { margin: 0 0 22px; color: var(--cope-soft); overflow-wrap: anywhere; overflow-x: clip; }
</style>
</head>
<body>
<h1>One prompt, side by side</h1>
<p id="about"></p>
<div id="view"><div class="cope cope-heatmap"></div></div>
<script type="application/json" id="data">%(data)s</script>
<script>
const data = JSON.parse(document.getElementById('data').textContent);
const head = JSON.parse(data.messages.split('\n', 1)[0]);
const settings = `alpha ${head.alpha}, tau ${head.tau}, repetition penalty ${head.repetition_penalty}`;
const about = `${head.model}, user ${head.user}, ${settings}. Prompt: ${head.prompt}`;
document.getElementById('about').textContent = about;
%(script)s
</script>
</body>
</html>
"""


def standalone_html(trace: dict, who: str = "the person") -> str:
    """The trace's JSON (trace.Trace.to_json) as a page. who: how it speaks of the person."""
    return empty_page().replace('"@data@"', say({"messages": wire.whole(trace, who)}), 1)


def empty_page(_: object = None) -> str:
    """The page without data: the JSON string "@data@" stands for {"messages": the token view's value}.

    The browser calls it too, as `server.empty_page('')`, to fill it with the comparison that it shows.
    """
    css = "\n".join(path.read_text("utf-8") for path in (ASSETS / "tokens.css", *CSS))
    return _PAGE % {"css": css, "data": say("@data@"), "script": mount_alone(BUNDLE, "data.messages")}
