"""Shows what moves: once, or with `--watch` again and again, in place on a terminal, until Ctrl-C or until nothing moves."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from reconciler.cli.options import Common
from reconciler.cli.saying import answer
from reconciler.errors import ReconcilerError
from reconciler.render.machine import render_json

Facts = TypeVar("Facts")
Function = TypeVar("Function", bound=Callable[..., Any])
PAUSE = 2.0
pause = time.sleep


def watch_option(function: Function) -> Function:
    """Adds `--watch`."""
    return click.option("--watch", is_flag=True, help="Look again every two seconds, until Ctrl-C.")(function)


def show(
    common: Common,
    look: Callable[[], Facts],
    text: Callable[[Facts], str],
    *,
    watch: bool = False,
    is_over: Callable[[Facts], bool] = lambda _facts: False,
) -> None:
    """Answers with what `look` finds, as a text or as one JSON document; with `watch`, whenever it has changed."""
    if watch and common.json:
        raise ReconcilerError("--watch shows many answers, and --json is one document", fix="choose one")
    if not watch:
        found = look()
        answer(render_json(found) if common.json else text(found))
        return
    screen = Screen(in_place=sys.stdout.isatty())
    try:
        while not is_over(found := look()):
            screen.show(text(found))
            pause(PAUSE)
        screen.show(text(found))
    except KeyboardInterrupt:
        return


class Screen:
    """Shows one text after the other: in the place of the one before, or below it if it differs."""

    def __init__(self, *, in_place: bool) -> None:
        self._in_place = in_place
        self._shown = ""

    def show(self, text: str) -> None:
        """Shows a text."""
        if not self._in_place:
            if text != self._shown:
                answer(f"\n{text}" if self._shown else text)
        else:
            text = _on_one_page(text)
            rows = self._shown.count("\n")
            answer((f"\x1b[{rows}A\x1b[J" if rows else "") + text)
        self._shown = text


def _on_one_page(text: str) -> str:
    """The first lines of a text, as many as a terminal can show and take back."""
    height = shutil.get_terminal_size().lines
    lines = text.splitlines()
    if len(lines) < height:
        return text
    kept = lines[: max(1, height - 2)]
    return "\n".join([*kept, f"… {len(lines) - len(kept)} more lines"]) + "\n"
