from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest

from reconciler.cli.main import COMMANDS, cli, run


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from reconciler.cli.main import run; run(['--help']);"
        "heavy = {'httpx', 'docker', 'networkx', 'rich', 'jsonschema', 'uvicorn', 'starlette', 'ruamel'};"
        "found = heavy & set(sys.modules); assert not found, found"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert all(name in ended.stdout for name in COMMANDS)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("deploy", "apply"),
        ("up", "apply"),
        ("down", "destroy"),
        ("get", "show"),
        ("diff", "plan"),
        ("plam", "plan"),
    ],
)
def test_other_tools_words_are_understood(typed: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([typed]) == 1
    assert f"did you mean {meant}?" in capsys.readouterr().err


@pytest.mark.parametrize("args", [["plan", "--nonsense"], ["apply", "--parallelism", "0"], ["schema", "x"]])
def test_a_wrong_command_line_is_exit_1(args: list[str]) -> None:
    assert run(args) == 1


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith("Usage: reconciler")


def every_option(command: click.Command, path: str = "") -> Iterator[tuple[str, click.Option]]:
    yield from ((f"{path} {one.opts[0]}", one) for one in command.params if isinstance(one, click.Option))
    if isinstance(command, click.Group):
        for name in command.list_commands(context := click.Context(command)):
            inner = command.get_command(context, name)
            yield from every_option(inner, f"{path} {name}") if inner else ()


def test_every_option_says_what_it_is_for() -> None:
    options = dict(every_option(cli))
    assert len(options) > 200
    assert [name for name, one in options.items() if not one.help] == []
