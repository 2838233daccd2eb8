"""The front matter of a Space: what the code relies on is what the hub is told."""

import re

import pytest
from huggingface_hub import SpaceCard

from cope_demo.errors import CopeError
from cope_demo.hub.card import make_space_card, read_card
from cope_demo.model.embedded import EMBEDDED_FILE, EMBEDDED_HUB, EMBEDDED_PACKAGE
from cope_demo.paths import ROOT
from cope_demo.system.files import find_packaged_file
from cope_demo.texts.embedding import EMBEDDER, EMBEDDER_FILE, EMBEDDER_FILES, EMBEDDER_PACKAGE, EMBEDDER_REVISION

README = (ROOT / "README.md").read_text("utf-8")


def read(hardware: str) -> tuple[dict, str]:
    """The front matter and the text of a Space's README, as huggingface_hub reads them."""
    card = SpaceCard(make_space_card(read_card(README), "ada/cope", hardware).format())
    return card.data.to_dict(), card.text


@pytest.mark.parametrize("hardware", ["zero-a10g", "cpu-basic"])
def test_what_a_gradio_space_is_built_from(hardware):
    matter, text = read(hardware)
    assert matter["sdk"] == "gradio" and matter["app_file"] == "app.py" and matter["suggested_hardware"] == hardware
    assert matter["python_version"] == "3.12"
    tested = re.search(r"^gradio==([\d.]+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)[1]
    assert matter["sdk_version"] == tested
    assert matter["hf_oauth"] is True
    assert matter["hf_oauth_scopes"] == ["contribute-repos"]  # what a push takes, and nothing more
    assert matter["thumbnail"].startswith("https://huggingface.co/spaces/ada/cope/resolve/main/")
    assert (ROOT / matter["thumbnail"].split("/main/")[1]).is_file()
    assert matter["models"] and "personalization" in matter["tags"] and len(matter["short_description"]) <= 60
    assert text.strip() == README.split("---\n", 2)[2].strip()


def test_both_models_are_fetched_at_build_time_at_pinned_revisions():
    rows = [row.split(" ") for row in read("cpu-basic")[0]["preload_from_hub"]]
    assert rows == [
        [EMBEDDED_HUB[0], EMBEDDED_FILE, EMBEDDED_HUB[1]],
        [EMBEDDER, ",".join(EMBEDDER_FILES), EMBEDDER_REVISION],
    ]
    assert all(re.fullmatch("[0-9a-f]{40}", row[2]) for row in rows)
    brought = find_packaged_file(EMBEDDER_PACKAGE, EMBEDDER_FILE).parent  # the same files as the hub's repository
    assert all((brought / name).is_file() for name in EMBEDDER_FILES)
    assert find_packaged_file(EMBEDDED_PACKAGE, EMBEDDED_FILE).is_file()


def test_a_static_space_has_no_server_s_settings():
    matter, text = read("static")
    assert matter["sdk"] == "static" and matter["app_file"] == "index.html" and matter["title"]
    assert not {"sdk_version", "python_version", "hf_oauth", "preload_from_hub", "suggested_hardware"} & set(matter)
    assert "](docs/" not in text  # nothing that is not in its folder


@pytest.mark.parametrize(
    "readme, told",
    [("# no card", "title"), ("---\ntitle: a\n---\n", "sdk_version, python"), ("---\n- : [\n---\n", "title")],
)
def test_a_readme_without_a_card_is_refused(readme, told):
    with pytest.raises(CopeError, match=f"front matter has no {told}"):
        read_card(readme)
