"""Writes the site: pages for any web server, a static Space or a USB stick, made and read without a model."""

import json
import re
import secrets
import shutil
from pathlib import Path

from cope_demo.errors import CopeError, quote
from cope_demo.paths import ROOT
from cope_demo.saved.store import Store
from cope_demo.ui.component import ASSETS, BUNDLES
from cope_demo.ui.documents import DOCS, SENT, render_document
from cope_demo.ui.panels.demonstration import CSS as OPENING_CSS
from cope_demo.ui.theme import STYLES
from cope_demo.ui.token_view.standalone import empty_page

from .pages import GENERATOR, RESULTS, make_pages

SHEET = Path(__file__).with_name("site.css")
BUNDLED = ("site", "token_view", "evidence", "demonstration")
DOCUMENTS = ("RESULTS", "controls", "families", "PLAN", "fit-defaults", "compatibility")
"""The results and the documents that they refer to."""
_CARD = """---
title: CoPe, side by side
colorFrom: blue
colorTo: yellow
sdk: static
app_file: index.html
license: apache-2.0
short_description: A language model that writes like you, token by token
---

Saved comparisons of [CoPe](https://arxiv.org/abs/2506.12109) (Contrasting Personal Preference), lessons and results, as
pages that need no server: open `index.html`.
"""


def write_site(folder: Path) -> int:
    """Writes the pages and what they load into a folder, in place of an older site there; returns the size in bytes.

    The folder is whole or as it was before. Raises CopeError where something else lies in its place.
    """
    folder = folder.resolve()
    if folder.exists() and not _may_replace(folder):
        raise CopeError(f"{quote(str(folder))} is there and is no site of this demo; name a new or an empty folder.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part, old = (folder.with_name(f"{folder.name}.{secrets.token_hex(4)}.{name}") for name in ("part", "old"))
    try:
        _fill(part)
        if folder.exists():
            folder.rename(old)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _may_replace(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    index = folder / "index.html"
    ours = index.is_file() and f'content="{GENERATOR}"' in index.read_text("utf-8", "replace")
    return ours or not any(folder.iterdir())


def _fill(folder: Path) -> None:
    assets = folder / "assets"
    assets.mkdir(parents=True)
    for name, page in make_pages(Store().samples()).items():
        (folder / name).write_text(page.render(), "utf-8")
    sheets = "\n".join(path.read_text("utf-8") for path in (*STYLES, OPENING_CSS, SHEET))
    (assets / "site.css").write_text(sheets, "utf-8")
    for name in BUNDLED:
        script = (BUNDLES / f"{name}.js").read_text("utf-8")
        (assets / f"{name}.js").write_text(script, "utf-8")
    (assets / "empty_page.js").write_text(f"globalThis.copeEmptyPage = {json.dumps(empty_page())};\n", "utf-8")
    shutil.copy(ASSETS / "favicon.png", assets)
    _write_documents(folder / Path(RESULTS).parent)
    shutil.copy(ROOT / "LICENSE", folder)
    (folder / "README.md").write_text(_CARD, "utf-8")
    (folder / ".nojekyll").touch()  # GitHub Pages then serves the files as they are


def _write_documents(folder: Path) -> None:
    """Writes the documents with their pictures and data; a link to what is not among them stays as its text."""

    def lead(link: re.Match) -> str:
        target, place, text = link[1], link[2] or "", link[3]
        if target.removesuffix(".md") in DOCUMENTS:
            return f'<a href="{target.removesuffix(".md")}.html{place}">{text}</a>'
        kept = not target or "://" in target or Path(target).suffix in SENT
        return link[0] if kept else text

    for name in DOCUMENTS:
        page = re.sub(r'<a href="([^"#]*)(#[^"]*)?">(.*?)</a>', lead, render_document(f"{name}.md"), flags=re.DOTALL)
        for used in set(re.findall(r'(?:href|src)="([^"#:]+)"', page)) - {f"{one}.html" for one in DOCUMENTS}:
            (folder / used).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(DOCS / used, folder / used)
        (folder / f"{name}.html").write_text(page, "utf-8")
