"""publish-space on the command line: its options, its lines, and one sentence for what will not do."""

import pytest

from cope_demo.cli.commands import main
from cope_demo.saved.store import SavedUser, Store
from cope_demo.service.service import Service
from tests.hub.fake_hub import TOKEN
from tests.hub.fake_models import COMMIT, run_models


def test_a_static_space_is_staged(tmp_path, capsys, own_data):
    site = tmp_path / "pages"
    site.mkdir()
    asked = ["publish-space", "--repo", "ada/cope", "--hardware", "static", "--dry-run"]
    assert main([*asked, "--site", str(site)]) == 2
    assert "run `make site` first" in capsys.readouterr().err
    (site / "index.html").write_text("<h1>Lessons</h1>", "utf-8")
    assert main([*asked, "--site", str(site)]) == 0
    assert capsys.readouterr().out.startswith("Staged 2 files, 0.0 MB, in ")
    assert (own_data / "hub" / "space" / "index.html").is_file()
    assert main(["publish-space", "--repo", "nobody", "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("cope_demo publish-space: --repo must be owner/name") and said.count("\n") == 1


def test_adapters_are_pushed_with_one_s_own_token(monkeypatch, capsys):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    asked = ["push", "--user", "ines", "--repo", "ada/ines"]
    with run_models() as hub:
        assert main([*asked, "--public"]) == 0
        assert not hub.repos["ada/ines"].private
        assert capsys.readouterr().out == f"Pushed: {hub.address}/ada/ines, to be opened as ada/ines@{COMMIT}\n"
        assert main(["push", "--user", "ines", "--repo", "ines"]) == 2
        assert "A repository is named owner/name" in capsys.readouterr().err
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    assert main(asked) == 2 and "no token for the hub" in capsys.readouterr().err


def test_adapters_are_pulled_under_a_name(monkeypatch, capsys, tmp_path):
    asked = []

    def open_adapters(service, address, owners=(), token=None, user_id=None):
        asked.append((address, owners, token, user_id))
        origin = {"repo": "ada/ines", "revision": COMMIT, "plain": True}
        return SavedUser(user_id, tmp_path, {**Store().open("ines").manifest, "origin": origin})

    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setattr(Service, "open_adapters", open_adapters)
    assert main(["pull", "--adapter", "ada/ines", "--user", "friend"]) == 0
    assert asked == [("ada/ines", (), TOKEN, "friend")]
    assert "ada/ines at ccccccc (a single LoRA" in capsys.readouterr().out
    assert main(["pull", "--adapter", "ada/ines", "--user", "../x"]) == 2
    with pytest.raises(SystemExit):
        main(["pull", "--user", "friend"])
