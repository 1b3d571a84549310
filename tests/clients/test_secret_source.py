from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.secret_source import SecretUnavailableError, Surroundings, fetch
from reconciler.errors import InterruptedRunError

ENVIRON = {"DB_PASSWORD": "hunter2hunter2", "EMPTY": "", "PATH": os.environ["PATH"]}


def value(source: dict[str, Any], base_dir: Path = Path(), **options: Any) -> str:
    return fetch(source, Surroundings(**{"environ": ENVIRON, "base_dir": base_dir, **options}))


def refused(source: dict[str, Any], base_dir: Path = Path(), **options: Any) -> str:
    with pytest.raises(SecretUnavailableError) as caught:
        value(source, base_dir, **options)
    return str(caught.value)


def python(code: str) -> dict[str, Any]:
    return {"command": [sys.executable, "-c", code]}


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], dict[str, str]]:
    """Puts a program of this name first in the path; gives the environment in which it is found."""

    def install(name: str, script: str) -> dict[str, str]:
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{path.parent}:{os.environ['PATH']}")
        return dict(os.environ)

    return install


def test_from_the_environment() -> None:
    assert value({"env": "DB_PASSWORD"}) == "hunter2hunter2"


def test_a_variable_that_is_not_set_says_what_to_do() -> None:
    assert "NOPE is not set" in refused({"env": "NOPE"})
    assert "set it" in refused({"env": "NOPE"})


def test_an_empty_value_is_no_value(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    assert "EMPTY is empty" in refused({"env": "EMPTY"})
    assert "is empty" in refused({"file": "empty"}, tmp_path)
    assert "is empty" in refused(python(""))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"a", "a"),
        (b"a\n", "a"),
        (b"a\n\n", "a\n"),
        (b"a\r\n", "a"),
        (b" a \n", " a "),
        ("ü\nb".encode(), "ü\nb"),
    ],
)
def test_one_newline_is_cut_from_files_and_commands(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "secret").write_bytes(content)
    assert value({"file": "secret"}, tmp_path) == expected
    assert value({"command": ["cat", "secret"]}, tmp_path) == expected


def test_a_file_outside_or_at_home_may_hold_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "secret").write_text("s3cret")
    assert value({"file": str(tmp_path / "secret")}) == "s3cret"
    assert value({"file": "~/secret"}) == "s3cret"


def test_files_that_are_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    assert "does not exist" in refused({"file": "nowhere"}, tmp_path)
    assert "is a pipe" in refused({"file": "pipe"}, tmp_path)
    assert "is a folder" in refused({"file": "."}, tmp_path)
    assert "is a device" in refused({"file": "/dev/zero"}, tmp_path)
    assert "is not UTF-8" in refused({"file": "binary"}, tmp_path)
    assert "is no path" in refused({"file": "a\x00b"}, tmp_path)


def test_a_command_is_run_without_a_shell() -> None:
    assert value({"command": ["printf", "%s", "$HOME; `x` | y"]}) == "$HOME; `x` | y"


@pytest.mark.parametrize("command", ["echo x", [], None, 3])
def test_a_command_is_a_list(command: Any) -> None:
    assert "list of words" in refused({"command": command})


def test_a_command_sees_the_environment_and_has_a_session_of_its_own() -> None:
    code = "import os; print(os.environ['DB_PASSWORD'], os.getsid(0) == os.getpid())"
    assert value(python(code)) == "hunter2hunter2 True"


def test_what_a_failed_command_printed_is_not_shown() -> None:
    told = refused(python("import sys; print('hunter2'); sys.stderr.write('hunter2'); sys.exit(3)"))
    assert "exit code 3" in told
    assert "hunter2" not in told


def test_commands_that_cannot_be_run(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    assert "nope is not installed" in refused({"command": ["nope"]})
    assert "cannot be started" in refused({"command": [str(tmp_path / "plain")]})
    assert "cannot be started" in refused({"command": ["a\x00b"]})


def test_a_command_that_does_not_end_is_ended_with_its_children(tmp_path: Path) -> None:
    told = refused({"command": ["sh", "-c", "sleep 60 & echo $! > pid; wait"]}, tmp_path, command_seconds=0.5)
    assert "did not end within 0.5 s" in told
    child = Path("/proc") / (tmp_path / "pid").read_text().strip() / "stat"
    for _ in range(200):  # a process that is killed is gone when the kernel gets to it
        if not _is_running(child):
            break
        time.sleep(0.05)
    assert not _is_running(child)


def _is_running(process: Path) -> bool:
    try:
        return process.read_text().split()[2] != "Z"
    except OSError:
        return False


def test_a_command_is_ended_when_the_user_asks_to_stop() -> None:
    began = time.monotonic()
    with pytest.raises(InterruptedRunError):
        value(python("import time; time.sleep(60)"), stop=lambda: True)
    assert time.monotonic() - began < 30


def test_a_command_that_prints_without_end_is_ended() -> None:
    assert "printed more than" in refused({"command": ["yes"]})


def test_a_helper_that_stays_behind_is_not_waited_for() -> None:
    code = "import subprocess, sys; subprocess.Popen(['sleep', '2']); print('s3cret')"
    assert value(python(code)) == "s3cret"


def test_a_command_that_closes_its_output_and_goes_on_is_ended() -> None:
    code = "import os, time; os.close(1); time.sleep(60)"
    assert "did not end" in refused(python(code), command_seconds=0.3)


def test_surroundings_print_no_environment() -> None:
    assert "hunter2" not in repr(Surroundings(ENVIRON, Path()))


def test_a_question_is_asked_where_somebody_can_answer() -> None:
    assert value({"prompt": "Password"}, ask=lambda question: question.lower()) == "password"
    assert value({"prompt": True}, ask=lambda question: question) == "value"
    assert "on a terminal" in refused({"prompt": "Password"})


def test_onepassword_is_asked_for_a_reference(tool: Callable[[str, str], dict[str, str]]) -> None:
    environ = tool("op", 'printf "%s " "$@"')
    assert value({"onepassword": "op://v/i/f"}, environ=environ) == "read --no-newline op://v/i/f "
    assert "no 1Password reference" in refused({"onepassword": "--help"}, environ=environ)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("password", '["password"]'),
        ("db.users.0", '["db"]["users"][0]'),
        ('["a.b"]', '["a.b"]'),
        ('a"b', '["a\\"b"]'),
    ],
)
def test_sops_extracts_one_key(
    tmp_path: Path, tool: Callable[[str, str], dict[str, str]], key: str, path: str
) -> None:
    environ = tool("sops", 'printf "%s\\n" "$@"')
    (tmp_path / "s.yaml").write_text("")
    printed = value({"sops": {"file": "s.yaml", "key": key}}, tmp_path, environ=environ)
    assert printed.splitlines() == ["-d", "--extract", path, str(tmp_path / "s.yaml")]


def test_sops_without_what_it_needs(tmp_path: Path) -> None:
    assert "needs a file and a key" in refused({"sops": {"file": "s.yaml"}})
    assert "is not there" in refused({"sops": {"file": "s.yaml", "key": "a"}}, tmp_path)


@pytest.mark.parametrize("source", [{}, {"vault": "x"}, {"env": "A", "file": "b"}])
def test_exactly_one_known_source(source: dict[str, Any]) -> None:
    assert "exactly one source" in refused(source)
