"""The folder of the site: whole, small, without a request to elsewhere, and never in place of anything else."""

import json
import re
from pathlib import Path

import pytest

from cope_demo.errors import CopeError
from cope_demo.ui.site import build
from cope_demo.ui.site.pages import CONTROLS, EVIDENCE, RESULTS


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "site"
    build.write_site(folder)
    return folder


def test_it_is_small_and_whole(site):
    files = [path for path in site.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 5_000_000
    assert list(site.parent.iterdir()) == [site]
    used = {"README.md", "LICENSE", ".nojekyll", "index.html", "assets/empty_page.js"}
    for page in site.rglob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#]+)', page.read_text("utf-8")):
            used.add((page.parent / target).relative_to(site).as_posix() if "://" not in target else target)
            assert target.startswith("https://") or (page.parent / target).is_file(), (page.name, target)
    assert {path.relative_to(site).as_posix() for path in files} == {name for name in used if "://" not in name}


def test_the_results_lie_below_it_as_pages_with_their_pictures(site):
    results = (site / "docs" / "RESULTS.html").read_text("utf-8")
    assert 'href="fit-defaults.html#the-alpha-that-scores-the-candidates"' in results
    assert not re.search(r'href="[^"]*\.md', results)
    assert {path.name for path in (site / "docs" / "images").iterdir()} == {"results-methods.svg", "results-sweeps.svg"}


def test_what_the_evidence_leads_to_lies_below_it(site):
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', (site / EVIDENCE).read_text("utf-8"))[
        1
    ]
    for place in (RESULTS, CONTROLS):
        assert f'"{place}"' in json.loads(data)["value"] and (site / place).is_file()


def test_the_only_address_elsewhere_is_the_papers(site):
    for path in [*site.glob("*"), *site.glob("assets/*")]:
        if path.suffix in (".html", ".css", ".js"):
            found = set(re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]{2,}", path.read_text("utf-8")))
            assert found <= {"https://arxiv.org", "http://www.w3.org"}, path.name  # the latter names SVG


def test_a_static_space_can_show_it(site):
    matter = dict(re.findall(r"^(\w+): (.+)$", (site / "README.md").read_text("utf-8").split("---")[1], re.MULTILINE))
    assert matter["sdk"] == "static" and (site / matter["app_file"]).is_file() and matter["license"] == "apache-2.0"
    assert len(matter["short_description"]) <= 60


def test_an_older_site_is_replaced_and_anything_else_is_refused(site, tmp_path):
    (site / "left-over.html").touch()
    assert build.write_site(site) > 1_000_000
    assert not (site / "left-over.html").exists() and (site / "index.html").is_file()
    (tmp_path / "empty").mkdir()
    build.write_site(tmp_path / "empty")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("<h1>My page</h1>")
    (tmp_path / "file").write_text("mine")
    for name in ("mine", "file"):
        with pytest.raises(CopeError, match="is no site of this demo; name a new or an empty folder"):
            build.write_site(tmp_path / name)
    assert (tmp_path / "mine" / "index.html").read_text() == "<h1>My page</h1>"
    assert (tmp_path / "file").read_text() == "mine" and len(list(tmp_path.iterdir())) == 3


def test_what_fails_midway_leaves_the_older_site(site, monkeypatch):
    monkeypatch.setattr(build, "BUNDLED", ("site", "not-there"))
    with pytest.raises(OSError):
        build.write_site(site)
    assert (site / "index.html").is_file() and list(site.parent.iterdir()) == [site]
