"""A Space whose login lacks something says so in its log, once, and makes up no secret of its own."""

import logging

import pytest

from cope_demo.ui.web import login


@pytest.fixture
def packages(monkeypatch):
    monkeypatch.setattr(login, "find_spec", lambda name: name)
    for name in login.SETTINGS:
        monkeypatch.delenv(name, raising=False)


def read_log(caplog) -> list[list[str]]:
    return [record.fields["missing"] for record in caplog.records if "log in" in record.message]


def test_what_a_login_lacks_is_said(packages, monkeypatch, caplog):
    monkeypatch.setenv("SPACE_ID", "ada/cope")
    assert login.login_button() is None and read_log(caplog) == []  # a Space without login lacks nothing
    monkeypatch.setenv("OAUTH_CLIENT_ID", "id")
    assert login.login_button() is None and read_log(caplog) == [["OAUTH_CLIENT_SECRET"]]
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "secret-value")
    monkeypatch.setattr(login, "find_spec", lambda name: name == "authlib")
    caplog.clear()
    assert login.login_button() is None and read_log(caplog) == [["itsdangerous"]]
    assert "secret-value" not in caplog.text and caplog.records[0].levelno == logging.WARNING
