"""publish-space on the command line: its options, its lines, and one sentence for what will not do."""

from cope_demo.cli.commands import main


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
