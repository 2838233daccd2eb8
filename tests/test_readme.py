"""The README stays true: its commands parse, its links and pictures exist, its front matter is a Space's."""

import re
import shlex
import subprocess

import pytest
import yaml

from cope_demo.cli.commands import build_parser
from cope_demo.paths import ROOT
from cope_demo.saved.citation import BIBTEX
from cope_demo.saved.store import Store

README = (ROOT / "README.md").read_text("utf-8")
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
COMMANDS = re.findall(r"^python -m cope_demo (.+)$", README, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_parses(command):
    options = build_parser().parse_args(shlex.split(command))
    if options.command in ("compare", "score"):
        assert options.user in [card.id for card in Store().samples()]


def test_commands_were_found():
    assert {command.split()[0] for command in COMMANDS} >= {"fit", "compare", "score", "serve"}


@pytest.mark.parametrize("page", PAGES)
def test_links_and_pictures_exist(page):
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
        if not target.startswith("http"):
            assert (path.parent / target).exists(), target


def test_front_matter_is_that_of_a_space():
    matter = dict(re.findall(r"^(\w+): (.+)$", README.split("---")[1], re.MULTILINE))
    assert matter["sdk"] == "gradio" and (ROOT / matter["app_file"]).exists() and matter["license"] == "apache-2.0"


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_a_space_gets_a_range_and_development_an_exact_torch():
    """A range that a newer release meets pulls gigabytes of CUDA libraries; a Space needs the range."""
    assert re.search(r"^torch>=2\.9$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert re.search(r"^torch==[\d.]+$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    for line in (ROOT / "requirements-models.txt").read_text().splitlines():
        assert line.startswith("#") or re.search(r"==\S+ --hash=sha256:[0-9a-f]{64}$", line)


def test_no_weights_but_adapters_and_no_machine_paths():
    for path in (ROOT / "users").rglob("*"):
        assert path.suffix in ("", ".json", ".jsonl", ".md", ".txt", ".safetensors"), path
        if path.name == "adapter_config.json":
            assert "/" not in re.search(r'"base_model_name_or_path": "([^"]*)"', path.read_text()).group(1)


def test_the_tree_names_every_package_and_nothing_that_is_not_there():
    block = re.search(r"```\n(cope_demo/\n.*?)```", README, re.DOTALL)[1]
    named = set(re.findall(r"^ +([\w/]+)/ ", block, re.MULTILINE))
    packages = {path.parent.name for path in (ROOT / "cope_demo").glob("*/__init__.py")}
    assert packages <= named and named - packages == {"batch", "panels", "site", "token_view", "web"}
    for file in re.findall(r"\w+\.py", block):
        assert list((ROOT / "cope_demo").rglob(file)), file


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_exist(page):
    named = re.findall(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|js|md))`", (ROOT / page).read_text("utf-8"))
    assert [name for name in named if not any((root / name).exists() for root in (ROOT, ROOT / "cope_demo"))] == []


def test_the_citation_is_whole_and_is_that_of_the_paper():
    """CITATION.cff, and the BibTeX of the README, name the paper as the Anthology does."""
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert cff["cff-version"] == "1.2.0" and cff["license"] == "Apache-2.0" and cff["title"] and cff["message"]
    paper = cff["preferred-citation"]
    names = " and ".join(f"{author['family-names']}, {author['given-names']}" for author in paper["authors"])
    for told in (
        names,
        paper["collection-title"],
        f"{paper['start']}--{paper['end']}",
        str(paper["year"]),
        paper["url"],
    ):
        assert told in BIBTEX and told in README, told
    assert paper["title"] == BIBTEX.split('title = "')[1].split('"')[0].replace("{", "").replace("}", "")


def test_custom_generate_s_target_makes_a_repository(tmp_path):
    """`make custom-generate` leaves the files that transformers looks for, and a card."""
    command = ["make", "--silent", "custom-generate", f"DECODING={tmp_path}/made"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    made = tmp_path / "made"
    names = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    files = {"custom_generate/generate.py", "custom_generate/requirements.txt"}
    assert names == {*files, "README.md", "LICENSE"}
