"""The page of a batch as a file: whole, each column once, and no text of anybody's as markup."""

import json
import re

from cope_demo.ui.batch.page import write_page
from tests.scripted import HOSTILE

from .made_traces import make_traces


def test_a_page_holds_each_column_once_and_text_as_data(tmp_path):
    (tmp_path / "traces").mkdir()
    assert write_page(tmp_path, tmp_path / "index.html") == 0 and not (tmp_path / "index.html").exists()
    for number, trace in enumerate(make_traces(1, 12, users=("ines",))):
        trace["prompt"] = HOSTILE[1]
        (tmp_path / "traces" / f"{number}.json").write_text(json.dumps(trace))
    assert write_page(tmp_path, tmp_path / "index.html") == 3
    page = (tmp_path / "index.html").read_text()
    assert HOSTILE[1] not in page and not list(tmp_path.glob("*.part"))
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page)[1])
    packed = [number for trace in data["traces"] for number in trace["packed"]]
    assert len(packed) == 9 and len(set(packed)) == 5 == page.count('<script type="text/plain" id="column-')
    assert data["names"]["ines"] == "Ines" and data["traces"][0]["header"]["prompt"] == HOSTILE[1]
