"""The documents behind the page's links: set for reading, with their pictures, and no file but those."""

import re

import httpx
import pytest

from cope_demo.ui import documents


def test_a_document_is_set_for_reading_and_its_links_lead_somewhere():
    shown = documents.render_document("RESULTS.md")
    assert "<h1" in shown and "<table>" in shown and "<!--" not in shown.split("<body", 1)[1] and "|---" not in shown
    here = set(re.findall(r'id="([^"]+)"', shown))
    for target in re.findall(r'(?:href|src)="([^"]+)"', shown):
        name, _, place = target.partition("#")
        assert (name in documents._list_files()) if name else place in here, target
        if name and place:
            assert f'id="{place}"' in documents.render_document(name), target


@pytest.mark.parametrize("name", ["RESULTS.md", "fit-defaults.md", "results.json", "images/results-methods.svg"])
def test_what_a_document_shows_is_sent(page, name):
    assert httpx.get(f"{page.url}docs/{name}").status_code == 200


@pytest.mark.parametrize("name", ["make_results.py", "none.md", "..%2FREADME.md", "images/..%2f..%2fREADME.md"])
def test_nothing_else_is(page, name):
    assert httpx.get(f"{page.url}docs/{name}").status_code == 404
