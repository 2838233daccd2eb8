"""The page of a batch: one HTML file without a server that shows hundreds of traces, and each in the token view.

It opens on what digest.py found, which is small. The columns themselves lie beside it, packed, and are unpacked when a
trace is opened; a column that several traces share, as those without contrast do at every alpha, is there once.
"""

import base64
import hashlib
import os
import secrets
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from cope_demo.decode.methods import METHODS, describe_columns
from cope_demo.saved.store import Store
from cope_demo.system.files import read_json
from cope_demo.ui.component import ASSETS, BUNDLES, say
from cope_demo.ui.token_view import wire
from cope_demo.ui.token_view.heatmap import BUNDLE, CSS

from .digest import digest_trace

SHEET = Path(__file__).with_name("batch.css")
_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline'; \
style-src 'unsafe-inline'; img-src data: blob:">
<title>CoPe, many comparisons</title>
<style>
%(css)s
</style>
</head>
<body>
<main class="batch"><div class="cope cope-batch"></div></main>
"""
_TAIL = """<script type="application/json" id="data">%(data)s</script>
<script>
%(view)s
globalThis.copeView = cope;
</script>
<script>
%(script)s
cope.mount();
</script>
</body>
</html>
"""


def write_page(folder: Path, path: Path) -> int:
    """Writes the page of all traces in `folder`/traces (service/batch.py) to `path`; returns how many there are.

    The page appears only when it is whole. A trace at a time is in memory.
    """
    files = sorted((folder / "traces").glob("*.json"))
    if not files:
        return 0
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "w", encoding="utf-8") as page:
            write_traces(page, (read_json(file) for file in files))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return len(files)


def write_traces(page: TextIO, traces) -> None:
    """Writes the page of these traces (trace.Trace.to_json)."""
    css = "\n".join(file.read_text("utf-8") for file in (ASSETS / "tokens.css", *CSS, SHEET))
    page.write(_HEAD % {"css": css})
    keep = _make_keeper(page)
    told = [_describe(trace, keep) for trace in traces]
    names = {card.id: card.name.split()[0] for card in Store().samples()}
    table = describe_columns(METHODS, "the person", "the other person")
    data = say({"traces": told, "names": names, "table": table})
    view, script = ((BUNDLES / f"{name}.js").read_text("utf-8") for name in (BUNDLE, "batch"))
    page.write(_TAIL % {"data": data, "view": view, "script": script})


def _describe(trace: dict, keep: Callable[[str], int]) -> dict:
    """A trace as the page's data: its header, its digest, and the numbers of its packed columns."""
    header = {name: value for name, value in trace.items() if name not in ("columns", "prompt_ids")}
    messages = wire.whole(trace, "").splitlines(keepends=True)[1:-1]
    packed = [keep("".join(messages[at : at + 2])) for at in range(0, len(messages), 2)]
    prompts = {column["method"]: column["prompt"] for column in trace["columns"] if "prompt" in column}
    return {"header": header, "packed": packed, **digest_trace(trace), **({"prompts": prompts} if prompts else {})}


def _make_keeper(page: TextIO) -> Callable[[str], int]:
    """Writes a column's messages into the page, packed, unless it is there; gives its number."""
    known: dict[bytes, int] = {}

    def keep(text: str) -> int:
        digest = hashlib.sha256(text.encode()).digest()
        if digest not in known:
            known[digest] = len(known)
            packed = base64.b64encode(zlib.compress(text.encode())).decode()
            page.write(f'<script type="text/plain" id="column-{known[digest]}">{packed}</script>\n')
        return known[digest]

    return keep
