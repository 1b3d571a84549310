from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from reconciler.clients.child_process import ask, plain_lines, run
from reconciler.errors import InterruptedRunError, ReconcilerError


def python(
    code: str, feed: Iterable[bytes] = (), stop: Callable[[], bool] = lambda: False
) -> tuple[int, list[str]]:
    heard: list[str] = []
    words = [sys.executable, "-c", code]
    return run(words, os.environ, cwd=Path(), feed=feed, heard=heard.append, stop=stop), heard


def test_what_it_says_is_heard_line_by_line() -> None:
    code = "import sys; print('one', flush=True); print('two', file=sys.stderr); print('three', end='', file=sys.stderr)"
    assert python(code) == (0, ["one", "two", "three"])


def test_it_reads_what_it_is_fed() -> None:
    code = "import sys; print(len(sys.stdin.buffer.read()))"
    assert python(code, [b"x" * 100_000] * 30) == (0, ["3000000"])


def test_one_that_does_not_listen_says_why_it_ended() -> None:
    assert python("print('no'); raise SystemExit(3)", [b"x" * 1_000_000] * 5) == (3, ["no"])


def test_its_session_is_its_own() -> None:
    assert python("import os; print(os.getsid(0) == os.getpid())")[1] == ["True"]


def test_it_runs_where_it_is_told(tmp_path: Path) -> None:
    heard: list[str] = []
    run(["pwd"], os.environ, cwd=tmp_path, feed=(), heard=heard.append, stop=lambda: False)
    assert heard == [str(tmp_path.resolve())]


def test_it_ends_with_its_children_once_it_is_to_stop(tmp_path: Path) -> None:
    """The child holds a pipe open for as long as it lives: an end of file means that it is gone."""
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    code = (
        "import subprocess, sys, time, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], pass_fds=[{theirs}]);"
        "print('begun', flush=True); time.sleep(600)"
    )
    begun = threading.Event()
    words = ["/bin/sh", "-c", 'exec "$@"', "sh", sys.executable, "-c", code]
    with pytest.raises(InterruptedRunError, match="stopped while waiting for sh"):
        run(words, os.environ, cwd=tmp_path, feed=(), heard=lambda _: begun.set(), stop=begun.is_set)
    os.close(theirs)
    assert os.read(ours, 1) == b""
    os.close(ours)


def test_what_goes_wrong_in_the_feed_ends_it_before_it_takes_a_part_for_the_whole(tmp_path: Path) -> None:
    def feed() -> Iterator[bytes]:
        yield b"a part"
        raise ReconcilerError("the file has changed")

    code = f"import sys; sys.stdin.read(); open({str(tmp_path / 'done')!r}, 'w')"
    with pytest.raises(ReconcilerError, match="the file has changed"):
        python(code, feed())
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_closes_its_output_is_waited_for() -> None:
    assert python("import os, time; os.close(1); os.close(2); time.sleep(0.2); os._exit(4)") == (4, [])


def test_one_that_is_not_there_is_told() -> None:
    with pytest.raises(ReconcilerError, match="/nowhere/docker cannot be started"):
        run(["/nowhere/docker"], {}, cwd=Path(), feed=(), heard=print, stop=lambda: False)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("\x1b[1;31mred\x1b[0m\r\n", ["red"]),
        ("10%\r20%\r", ["10%", "20%"]),
        ("\x1b]0;title\x07a\x1b[2K\n\n  b  \n", ["a", "  b"]),
    ],
)
def test_colours_and_movements_are_left_out(text: str, lines: list[str]) -> None:
    assert plain_lines(text) == lines


def test_asking_gives_what_is_printed() -> None:
    assert ask([sys.executable, "-c", "print(' yes ')"], {}) == "yes"
    assert ask([sys.executable, "-c", "raise SystemExit(1)"], {}) is None
    assert ask(["/nowhere"], {}) is None
    assert ask([sys.executable, "-c", "import time; time.sleep(60)"], {}, seconds=0.05) is None
