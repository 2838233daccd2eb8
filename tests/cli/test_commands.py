"""The command line on a tiny model: what it writes, and that bad input ends with 2 and one sentence."""

import json
import subprocess
import sys

import pytest

from cope_demo.cli.commands import build_parser, main
from cope_demo.cli.terminal import show_columns
from cope_demo.decode.methods import list_evaluated, list_optional
from cope_demo.decode.trace import ColumnEnd, TokenEvent, TraceToken
from tests import tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return tiny.make(tmp_path_factory.mktemp("cli") / "model")


@pytest.fixture
def fast(monkeypatch):
    settings = {"lora_rank": 4, "oppu_epochs": 1, "max_response_tokens": 24, "candidates": 1}
    monkeypatch.setenv("COPE_FIT_CONFIG", json.dumps(settings))


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "history.jsonl"
    rows = [json.dumps({"prompt": s.prompt, "response": s.response}) for s in tiny.samples(6)]
    path.write_text("\n".join(rows))
    return path


def test_fit_compare_and_score(model, fast, history, tmp_path, capsys):
    common = ["--model", model, "--users-dir", str(tmp_path / "users")]
    assert main(["fit", "--user", "ada", "--history", str(history), *common]) == 0
    shown = capsys.readouterr().out
    assert "6 texts found, 6 kept" in shown and "bits per token" in shown
    out, page = tmp_path / "trace.json", tmp_path / "trace.html"
    asked = ["--prompt", "Write a post about soup.", "--max-new-tokens", "5", "--columns", "oppu+dpo"]
    assert main(["compare", "--user", "ada", *asked, "--json", str(out), "--html", str(page), *common]) == 0
    trace = json.loads(out.read_text())
    assert trace["user"] == "ada" and trace["alpha"] == 0.1 and len(trace["columns"][2]["tokens"]) <= 5
    assert [column["method"] for column in trace["columns"]] == ["greedy", "oppu", "cope", "oppu+dpo"]
    assert "<html" in page.read_text()[:200].lower()
    asked = ["--prompt", "Write a post about soup.", "--text", "soup on monday"]
    assert main(["score", "--user", "ada", *asked, "--json", str(out), *common]) == 0
    assert json.loads(out.read_text())["columns"][0]["text"] == "soup on monday"
    assert "mean reward" in capsys.readouterr().out


def read_refusal(capsys, *arguments) -> str:
    """The sentence a command is refused with."""
    assert main(list(arguments)) == 2
    err = capsys.readouterr().err.strip()
    assert "Traceback" not in err and err.count("\n") == 0
    return err


@pytest.mark.parametrize(
    "content,sentence",
    [
        (b"", "is empty"),
        (b"  \n \n\t", "is empty"),
        (b"Only one text here, and it is alone.", "5"),
        (b"\x00\x01\x02\xff\xfe binary \x00" * 50, "text"),
    ],
)
def test_bad_histories(content, sentence, tmp_path, capsys):
    path = tmp_path / "history.txt"
    path.write_bytes(content)
    assert sentence in read_refusal(capsys, "fit", "--user", "ada", "--history", str(path)).lower()


@pytest.mark.parametrize(
    "name,content",
    [("h.csv", "a,b\n1,2\n"), ("h.json", '{"not": "this"}'), ("h.jsonl", "{broken\n"), ("h.json", "[1, 2, 3]")],
)
def test_files_that_are_not_what_they_claim(name, content, tmp_path, capsys):
    path = tmp_path / name
    path.write_text(content)
    assert len(read_refusal(capsys, "fit", "--user", "ada", "--history", str(path))) < 500


def test_five_megabytes_are_too_much(tmp_path, capsys):
    path = tmp_path / "h.txt"
    path.write_bytes(b"words and words\n\n" * 320_000)
    assert "MB" in read_refusal(capsys, "fit", "--user", "ada", "--history", str(path))


def test_other_mistakes(tmp_path, capsys, history):
    assert "missing.txt" in read_refusal(capsys, "fit", "--user", "ada", "--history", str(tmp_path / "missing.txt"))
    assert "user id" in read_refusal(capsys, "fit", "--user", "../x", "--history", str(history))
    assert "no user 'nobody'" in read_refusal(capsys, "compare", "--user", "nobody", "--prompt", "x")
    magic = read_refusal(capsys, "compare", "--user", "ines", "--prompt", "x", "--columns", "oppu+cd,magic")
    assert "no further column 'magic': choose from base, rag, pag, oppu+cd, oppu+dpo" in magic


def test_settings_out_of_range_name_the_setting(model, fast, history, tmp_path, capsys):
    common = ["--model", model, "--users-dir", str(tmp_path / "users")]
    assert main(["fit", "--user", "ada", "--history", str(history), *common]) == 0
    capsys.readouterr()
    for option, value in (("--alpha", "-1"), ("--tau", "7"), ("--max-new-tokens", "0")):
        sentence = read_refusal(capsys, "compare", "--user", "ada", "--prompt", "x", option, value, *common)
        assert option.strip("-").replace("-", "_") in sentence
    assert "too long" in read_refusal(capsys, "compare", "--user", "ada", "--prompt", "soup " * 900, *common)
    assert "prompt is empty" in read_refusal(capsys, "compare", "--user", "ada", "--prompt", " ", *common)


@pytest.mark.parametrize("command", ["fit", "compare", "score", "serve", "worker", "bench", "prepare", "site"])
def test_every_command_has_help_with_the_common_options(command, capsys):
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--model", "--users-dir", "--seed"))


def test_the_site_is_written_where_it_may(tmp_path, capsys):
    assert main(["site", "--out", str(tmp_path / "site")]) == 0
    assert "MB); open" in capsys.readouterr().out and (tmp_path / "site" / "index.html").is_file()
    assert "is no site of this demo" in read_refusal(capsys, "site", "--out", str(tmp_path))


def test_an_unknown_option_ends_with_two():
    done = subprocess.run([sys.executable, "-m", "cope_demo", "fit", "--nonsense"], capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr


def test_the_python_interface_has_the_published_names():
    import cope_demo

    for name in ("load_base", "fit_user", "compare", "score", "parse_history"):
        assert callable(getattr(cope_demo, name))


@pytest.mark.parametrize(("command", "list_names"), [("compare", list_optional), ("evaluate", list_evaluated)])
def test_a_new_method_is_offered_by_its_row_alone(command, list_names, twin, capsys):
    with pytest.raises(SystemExit):
        build_parser().parse_args([command, "--help"])
    names = list_names()
    shown = " ".join(capsys.readouterr().out.split()).replace("- ", "-")  # a line may end within a name
    assert names[-1] == twin.name and ", ".join(names) in shown


def test_a_new_method_writes_a_column_under_its_label(twin, capsys):
    token = TraceToken(1, "again", -1.0, -1.0, -1.0, -1.0, True, 1)
    list(show_columns(iter([TokenEvent(twin.name, 0, token), ColumnEnd(twin.name, "eos")]), (twin.name,)))
    shown = capsys.readouterr().out
    assert twin.label in shown and "again" in shown
