"""Programs that we start: in a session of their own, so that Ctrl-C reaches us and not half of the family.

Feeds them, listens to them line by line, and ends them with their children when it is time to stop.
"""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.errors import InterruptedRunError, ReconcilerError

_GLANCE = 0.1
_GRACE = 0.5
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.")

Heard = Callable[[str], None]


def ask(words: Sequence[str], environ: Mapping[str, str], seconds: float = 30.0) -> str | None:
    """What a short command prints; None if it fails, is not there, or takes too long."""
    try:
        found = subprocess.run(
            words,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            start_new_session=True,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return found.stdout.decode(errors="replace").strip() if found.returncode == 0 else None


def run(
    words: Sequence[str],
    environ: Mapping[str, str],
    *,
    cwd: Path,
    feed: Iterable[bytes],
    heard: Heard,
    stop: Callable[[], bool],
) -> int:
    """Runs a program that reads `feed`, passes on each line it says, and gives its exit code.

    Once `stop` says so, the program is ended and InterruptedRunError raised.
    What goes wrong in `feed` ends the program before it could take a part for the whole, and is raised.
    """
    try:
        process = subprocess.Popen(
            words,
            cwd=cwd,
            env=dict(environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ReconcilerError(f"{words[0]} cannot be started ({error})") from None
    feeder = _Feeder(process, feed)

    def check() -> None:
        if feeder.error is not None:
            raise feeder.error
        if stop():
            raise InterruptedRunError(f"stopped while waiting for {Path(words[0]).name}")

    try:
        for line in _lines(process, check):
            heard(line)
        code = _awaited(process, check)
        feeder.join()
        check()
        return code
    finally:
        _end(process)
        feeder.join()


def plain_lines(text: str) -> list[str]:
    """The lines of what a program said, without colours and cursor movements; empty ones are left out."""
    lines = (_ESCAPES.sub("", line).rstrip() for line in re.split(r"[\r\n]+", text))
    return [line for line in lines if line]


@dataclass(slots=True)
class _Feeder:
    """Writes into a program's input, in a thread of its own."""

    process: subprocess.Popen[bytes]
    feed: Iterable[bytes]
    error: ReconcilerError | None = None
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._write, name="feeder", daemon=True)
        self.thread.start()

    def _write(self) -> None:
        assert self.process.stdin is not None
        try:
            for piece in self.feed:
                self.process.stdin.write(piece)
            self.process.stdin.close()
        except (
            ReconcilerError
        ) as error:  # its input stays open, so that it waits for the rest until it is ended
            self.error = error
        except (OSError, ValueError):  # it has ended, and says why itself
            pass

    def join(self) -> None:
        """Waits until nothing is written any more, which the end of the program sees to."""
        self.thread.join(_GRACE)


def _lines(process: subprocess.Popen[bytes], check: Callable[[], None]) -> Iterator[str]:
    """The lines that a program says, until it has ended, even if a child that it left behind keeps the pipe open."""
    assert process.stdout is not None
    held = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            check()
            if not selector.select(_GLANCE):
                if process.poll() is not None:
                    break
                continue
            piece = os.read(process.stdout.fileno(), 65536)
            if not piece:
                break
            *whole, held = re.split(rb"[\r\n]+", held + piece)
            for line in whole:
                yield from plain_lines(line.decode(errors="replace"))
    yield from plain_lines(held.decode(errors="replace"))


def _awaited(process: subprocess.Popen[bytes], check: Callable[[], None]) -> int:
    """The exit code; a program may close its output long before it ends."""
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(_GLANCE)
        check()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a program that still runs, and its children: asked first, so that it can cancel what it has begun."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
        _signal(process, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError, ValueError):
                pipe.close()
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
