"""Where a secret's value is fetched from, at the last moment (interface 1.5).

The value is returned and kept nowhere; why there is none is told without any part of it, and without what a
command printed.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import Any

from reconciler.clients.regular_file import read_regular, reason
from reconciler.errors import InterruptedRunError, ReconcilerError
from reconciler.frozen import frozen

_LARGEST = 1024 * 1024
_GLANCE = 0.1

Ask = Callable[[str], str]


class SecretUnavailableError(ReconcilerError):
    """The source of a secret gives no value here and now; only who must send the value need care."""


@frozen
class Surroundings:
    """What sources are looked up in; without `ask` nobody can be asked, and `stop` ends a command early."""

    environ: Mapping[str, str] = field(repr=False)
    base_dir: Path
    ask: Ask | None = None
    stop: Callable[[], bool] = lambda: False
    command_seconds: float = 60.0


def fetch(source: Mapping[str, Any], around: Surroundings) -> str:
    """Gives the value of a `from:` block, or raises SecretUnavailableError with what to do."""
    (kind, where), *others = source.items() or ((None, None),)
    fetcher = _FETCHERS.get(str(kind))
    if fetcher is None or others:
        raise SecretUnavailableError(
            "a secret has exactly one source", fix=f"keep one of {', '.join(_FETCHERS)} under `from`"
        )
    value = fetcher(where, around)
    if not value:
        raise SecretUnavailableError(f"{_named(str(kind), where)} is empty", fix="give it a value")
    return value


def _from_env(name: Any, around: Surroundings) -> str:
    value = around.environ.get(str(name))
    if value is None:
        raise SecretUnavailableError(
            f"the environment variable {name} is not set", fix="set it, or plan with --no-secrets"
        )
    return value


def _from_file(name: Any, around: Surroundings) -> str:
    path = around.base_dir / Path(str(name)).expanduser()
    try:
        return _cut(_text(read_regular(path, _LARGEST), f"the file {name}"))
    except OSError as error:
        raise SecretUnavailableError(
            f"the file {name} {reason(error)}", fix="check the path under `from`"
        ) from error
    except (RuntimeError, ValueError) as error:  # no home folder; a NUL in the path
        raise SecretUnavailableError(
            f"the file {name!r} is no path", fix="check the path under `from`"
        ) from error


def _from_command(words: Any, around: Surroundings) -> str:
    if isinstance(words, str) or not isinstance(words, Sequence) or not words:
        raise SecretUnavailableError(
            "a command is a list of words", fix='write it as ["program", "argument"]'
        )
    return _cut(_run([str(word) for word in words], around))


def _from_prompt(question: Any, around: Surroundings) -> str:
    if around.ask is None:
        raise SecretUnavailableError(
            "the value is asked for by apply on a terminal", fix="run apply there, or use another source"
        )
    return around.ask(question if isinstance(question, str) else "value")


def _from_onepassword(reference: Any, around: Surroundings) -> str:
    if not str(reference).startswith("op://"):
        raise SecretUnavailableError(
            f"{reference!r} is no 1Password reference", fix="write it as op://vault/item/field"
        )
    return _run(["op", "read", "--no-newline", str(reference)], around)


def _from_sops(where: Any, around: Surroundings) -> str:
    if not isinstance(where, Mapping) or set(where) != {"file", "key"}:
        raise SecretUnavailableError(
            "sops needs a file and a key", fix="write {file: secrets.enc.yaml, key: a.b}"
        )
    path = around.base_dir / str(where["file"])
    if not path.is_file():
        raise SecretUnavailableError(
            f"the file {where['file']} is not there", fix="check the path under `from`"
        )
    return _run(["sops", "-d", "--extract", _extract(str(where["key"])), str(path.absolute())], around)


def _extract(key: str) -> str:
    """Writes `db.password` as sops has it: `["db"]["password"]`; what is in that form stays."""
    if key.startswith("["):
        return key
    return "".join(f"[{part if part.isdecimal() else json.dumps(part)}]" for part in key.split("."))


_FETCHERS: dict[str, Callable[[Any, Surroundings], str]] = {
    "env": _from_env,
    "file": _from_file,
    "command": _from_command,
    "prompt": _from_prompt,
    "onepassword": _from_onepassword,
    "sops": _from_sops,
}


def _run(words: list[str], around: Surroundings) -> str:
    """Runs a command without a shell, in a session of its own, and gives what it prints.

    Of its own, so that Ctrl-C reaches us and not half of the family; its error output may hold the secret and
    is dropped.
    """
    name = f"the command {Path(words[0]).name}"
    try:
        process = subprocess.Popen(
            words,
            cwd=around.base_dir,
            env=dict(around.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise SecretUnavailableError(
            f"{name} is not installed", fix="install it, or use another source"
        ) from error
    except (OSError, ValueError) as error:
        raise SecretUnavailableError(
            f"{name} cannot be started", fix="check the command under `from`"
        ) from error
    try:
        output = _collect(process, name, around)
    finally:
        _end(process)
    if process.returncode != 0:
        raise SecretUnavailableError(
            f"{name} failed with exit code {process.returncode}; its output is not shown, as it may hold the secret",
            fix="run it by hand to see why",
        )
    return _text(output, f"what {name} printed")


def _collect(process: subprocess.Popen[bytes], name: str, around: Surroundings) -> bytes:
    assert process.stdout is not None
    deadline = time.monotonic() + around.command_seconds
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(output) <= _LARGEST:
            if around.stop():
                raise InterruptedRunError(f"stopped while waiting for {name}")
            if time.monotonic() > deadline:
                raise SecretUnavailableError(f"{name} did not end within {around.command_seconds:g} s")
            if not selector.select(_GLANCE):
                if process.poll() is not None:  # a child that it left behind may keep the pipe open
                    return output
                continue
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                return _awaited(process, deadline, output, name)
            output += piece
    raise SecretUnavailableError(f"{name} printed more than {_LARGEST // 1024} KiB, which is no secret")


def _awaited(process: subprocess.Popen[bytes], deadline: float, output: bytes, name: str) -> bytes:
    try:
        process.wait(max(_GLANCE, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise SecretUnavailableError(f"{name} closed its output and did not end") from error
    return output


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends what is left of the command and its children."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.stdout is not None:
        process.stdout.close()
    process.wait()


def _text(raw: bytes, what: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise SecretUnavailableError(
            f"{what} is not UTF-8 text", fix="encode it, as base64 for example"
        ) from None


def _cut(text: str) -> str:
    """Cuts the one newline that editors and commands put at the end (interface 7)."""
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def _named(kind: str, where: Any) -> str:
    if kind in ("env", "file", "onepassword"):
        return f"the secret from {kind} {where}"
    return f"the secret from {kind}"
