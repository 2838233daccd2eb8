"""The running page: its endpoints, what Gradio may keep and serve, its start, its colours."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cope_demo import paths
from cope_demo.config import DecodeConfig
from cope_demo.ui.page import build
from cope_demo.ui.panels import own
from cope_demo.ui.server import host_of, launch_options
from cope_demo.ui.theme import make_theme
from tests.running import read_updates
from tests.scripted import messages

UI = Path(own.__file__).parent.parent
TEXTS = "\n---\n".join(f"Text number {n} is about seams and needles." for n in range(6))


def test_public_endpoints_are_named_and_typed(service):
    named = build(service).get_api_info()["named_endpoints"]
    assert set(named) == {
        *("/users", "/preview_history", "/fit", "/fit_status", "/cancel_fit", "/fit_report", "/delete_user"),
        *("/delete_my_data", "/compare", "/continue_from", "/score", "/fit_details", "/adapters_zip"),
        *("/open_adapters", "/surprise", "/look_up"),
    }
    compare = {p["parameter_name"]: p for p in named["/compare"]["parameters"]}
    assert list(compare)[:3] == ["user", "prompt", "alpha"] and compare["user"]["type"]["type"] == "string"
    assert all(endpoint["parameters"][-1]["parameter_name"] == "secret" for endpoint in named.values())
    assert compare["alpha"]["type"]["type"] == "number" and compare["alpha"]["parameter_default"] == DecodeConfig.alpha
    length = compare["max_new_tokens"]  # None: the task's
    assert length["parameter_has_default"] and length["parameter_default"] is None
    assert {one["type"] for one in length["type"]["oneOf"]} == {"integer", "null"}


def test_endpoints_over_the_wire(page):
    from gradio_client import Client

    client = Client(page.url, verbose=False)
    assert client.predict(api_name="/users")[0]["id"] == "ada"
    assert client.predict(TEXTS, api_name="/preview_history")["kept"] == 6
    read = client.submit(TEXTS, api_name="/surprise").result(timeout=30)
    assert read["tokens"][0][1] > 0 and not read["cut"]
    job = client.submit("ada", "Write.", api_name="/compare")
    trace = job.result(timeout=30)
    assert [column["method"] for column in trace["columns"]] == ["greedy", "oppu", "cope"]
    assert trace["columns"][2]["text"] == " stitch in time" and trace["columns"][2]["stopped"] == "eos"
    first = job.outputs()[0]
    assert first["seq"] == 0 and first["events"][0]["token"]["alternatives"]
    more = client.submit("ada", "Write.", columns=["oppu+cd", "rag"], api_name="/compare").result(timeout=30)["columns"]
    assert [column["method"] for column in more[3:]] == ["rag", "oppu+cd"]
    assert more[3]["prompt"].endswith("Write.") and "prompt" not in more[4]
    with pytest.raises(Exception, match="no further column 'magic'"):
        client.predict("ada", "Write.", columns=["magic"], api_name="/compare")
    started = client.predict(TEXTS, api_name="/fit")
    mine = {"secret": started["secret"]}
    assert client.predict(started["job"], **mine, api_name="/fit_status")["state"] == "queued"
    assert client.predict(started["job"], **mine, api_name="/cancel_fit")["state"] == "cancelled"
    rest = client.submit("ada", "Write.", "cope", [7, 99], api_name="/continue_from").result(timeout=30)
    assert rest["text"] == " instead time" and rest["stopped"] == "eos" and rest["tokens"][0]["id"] == 99
    assert client.predict("ada", "Write.", "two words", api_name="/score")["columns"][0]["method"] == "score"
    for call in (("/compare", "ada", "x", 7.0), ("/compare", "../../etc", "x"), ("/fit", "short")):
        with pytest.raises(Exception, match="must be|not a user id|at least 5"):
            client.predict(*call[1:], api_name=call[0])


def test_the_page_is_sent_increments(page, service):
    """On the wire every update holds only what is new, and all of them together little more than the trace."""
    service.pieces = {method: [f" word{n}" for n in range(60)] for method in service.pieces}
    service.pause = lambda step: time.sleep(0.02)
    data = [{"chosen": "ada", "fits": []}, "Write.", 0.1, 0.1, 80, 1.2, 0.0, 0, [], ""]
    answer = page.send(page.event("_compare"), data, "test")
    updates = [output["data"][0] for output in read_updates(answer, ("process_generating",))]
    texts = [edit for update in updates[2:-1] for edit in update]  # the first says nothing, the second is the start
    assert len(texts) > 8 and {edit[0] for edit in texts} == {"append"}
    sent = "".join(edit[2] for edit in texts)
    assert [message["seq"] for message in messages(sent) if message["t"] == "tokens"]
    assert max(len(edit[2]) for edit in texts) < len(sent) / 3


def test_gradio_keeps_and_serves_nothing(monkeypatch, own_data):
    options = launch_options()
    assert options["run_history"] is False and options["enable_monitoring"] is False and options["show_error"] is False
    assert options["max_file_size"] == "5mb" and not options["pwa"]
    assert str(own_data.resolve()) in options["blocked_paths"] and str(paths.ROOT) in options["blocked_paths"]
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.delenv("GRADIO_SERVER_NAME", raising=False)
    assert host_of(None) == "127.0.0.1" and host_of("1.2.3.4") == "1.2.3.4"
    monkeypatch.setenv("SPACE_ID", "a/b")
    assert host_of(None) == "0.0.0.0"


def test_the_page_is_built_without_torch():
    code = "import sys, cope_demo.ui.server, cope_demo.service.service; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=paths.ROOT, timeout=120).returncode == 0


def test_an_interrupt_while_the_app_starts_is_no_traceback(tmp_path):
    command = [sys.executable, "-X", "importtime", "app.py"]  # which says what has been imported
    environment = os.environ | {"COPE_DATA": str(tmp_path), "COPE_WORKERS": "0"}
    app = subprocess.Popen(command, cwd=paths.ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    for line in app.stderr:
        if line.split()[-1] == "pandas":  # by Gradio, whose own end is not near
            app.send_signal(signal.SIGINT)
            break
    assert "Traceback" not in app.communicate(timeout=60)[1] and app.returncode == 130


# -- colours ----------------------------------------


def palettes() -> dict[str, dict[str, str]]:
    text = (UI / "assets" / "tokens.css").read_text()
    light, dark = (
        dict(re.findall(r"--cope-([\w-]+): (#[0-9a-f]{6});", part))
        for part in text.replace(":root", "").split(".dark {")
    )
    return {"light": light, "dark": light | dark}


def contrast(one: str, two: str) -> float:
    """WCAG 2 contrast ratio of two #rrggbb colours."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_has_contrast(scheme):
    colours = palettes()[scheme]
    grounds = ["paper", "card", "sunk", "accent-wash"]
    pairs = [(ink, ground) for ink in ("ink", "soft", "you", "accent") for ground in grounds]
    pairs += [("ink", f"{sign}{n}") for sign in "np" for n in (1, 2, 3)]
    pairs += [("bad", "bad-wash"), ("bad", "card"), ("bad", "paper"), ("accent-ink", "accent")]
    weak = {pair: round(contrast(*(colours[name] for name in pair)), 2) for pair in pairs}
    assert {pair: value for pair, value in weak.items() if value < 4.5} == {}


def test_the_first_paint_has_the_page_s_colours():
    look, colours = make_theme(), palettes()
    assert (look.body_background_fill, look.body_text_color) == (colours["light"]["paper"], colours["light"]["ink"])
    assert look.body_background_fill_dark == colours["dark"]["paper"]
    assert look.body_text_color_dark == colours["dark"]["ink"] and not look._stylesheets
