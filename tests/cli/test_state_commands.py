from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli.main import cli
from tests.harness import Project, project

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops"
MANIFEST = f"version: 1\nproject: shop\nssh_public_keys:\n  ops: {{public_key: {KEY}}}\n"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as it:
        it.write(MANIFEST)
        yield it


def test_a_document_that_was_pulled_is_pushed_and_restored(made: Project) -> None:
    made.apply()
    made.write(made.run("state", "pull").out, "pulled.json")
    pushed = made.run("state", "push", "pulled.json", "-f", "containers.yaml")
    assert (pushed.code, "state #2" in pushed.err) == (0, True), pushed
    restored = made.run("state", "restore", "1", "--yes")
    assert (restored.code, "state #3" in restored.err) == (0, True)
    assert made.actions() == {}
    assert [one["serial"] for one in made.run("state", "history", "--json").document] == [3, 2, 1, 0]


def every_command(
    command: click.Command, context: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    yield command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None, name
            yield from every_command(found, click.Context(found, context, name))


def test_no_two_parameters_of_a_command_share_a_name() -> None:
    for command, context in every_command(cli, click.Context(cli)):
        names = [one.name for one in command.get_params(context)]
        assert len(names) == len(set(names)), command.name
