"""`neuralpaint serve` before it serves: what is wrong is one line. tests/serve has the rest."""

import socket

import pytest

pytest.importorskip("starlette")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--port", "70000"], "--port"),
        (["--host", "no such host"], "choose another --port or --host"),
        (["--host", "203.0.113.1"], "choose another --port or --host"),
    ],
)
def test_addresses_that_cannot_be(run, tmp_path, arguments, words):
    result = run("serve", "--folder", tmp_path, *arguments)
    assert result.code == 2 and words in result.line


def test_a_port_that_is_taken(run, tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        result = run("serve", "--folder", tmp_path, "--port", other.getsockname()[1])
    assert result.code == 2 and "choose another --port" in result.line


def test_what_is_missing_names_the_extra(run, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "uvicorn" else name)
    result = run("serve", "--folder", tmp_path, "--port", 0)
    assert result.code == 2 and "pip install 'neuralpaint[web]'" in result.line


def test_two_servers_do_not_share_a_folder(run, tmp_path):
    from neuralpaint.utils.locks import folder_lock

    with folder_lock(tmp_path):
        result = run("serve", "--folder", tmp_path, "--port", 0)
    assert result.code == 2 and "another run" in result.line
