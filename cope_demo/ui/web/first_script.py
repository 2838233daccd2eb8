"""What comes before all of Gradio's in the page, for which it has no place: a script, and the page's opening.

The script (assets/framed.js) makes up for what a browser may refuse. The opening (panels/demonstration.py) is a page of
its own above Gradio's, so that it is there with the page's HTML and waits for none of Gradio's scripts.
"""

import re

from cope_demo.ui.component import BUNDLES
from cope_demo.ui.panels.demonstration import render_opening

_APP, _BODY = b"<gradio-app", re.compile(rb"<body[^>]*>")


def put_first(html: bytes) -> bytes:
    """A page of Gradio's with our script and opening in their places; any other HTML with the script alone."""
    script = (BUNDLES / "framed.js").read_bytes()
    head, body = (part.encode() for part in render_opening()) if _APP in html else (b"", b"")
    html = html.replace(b"<head>", b"<head><script>%s</script>%s" % (script, head), 1)
    return _BODY.sub(lambda tag: tag[0] + body, html, count=1) if body else html
