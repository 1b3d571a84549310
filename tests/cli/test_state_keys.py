"""`state.encryption` in a manifest: where keys come from, how one is chosen, changed and given up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import Project, project

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f ops"
RESOURCES = f"ssh_public_keys:\n  ops: {{public_key: {KEY}}}\n"
OLD, NEW = "11" * 32, "22" * 32
UNDER_KEY = "state: {encryption: {key: {env: STATE_KEY}}}\n"
CHANGED = "state: {encryption: {key: {env: NEW_KEY}, old_keys: [{env: STATE_KEY}]}}\n"
GIVEN_UP = "state: {encryption: {old_keys: [{env: NEW_KEY}]}}\n"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as it:
        it.environ |= {"STATE_KEY": OLD, "NEW_KEY": NEW}
        yield it


def manifest(made: Project, state: str) -> None:
    made.write(f"version: 1\nproject: shop\n{state}{RESOURCES}")


def stored(made: Project) -> str:
    return "".join(path.read_text() for path in (made.folder / "state").rglob("*.json"))


def test_a_state_under_a_key_is_planned_with_and_applied_to(made: Project) -> None:
    manifest(made, UNDER_KEY)
    made.apply()
    assert made.actions() == {}
    assert "ssh_public_key" not in stored(made)
    assert made.run("state", "list").out == "ssh_public_key.ops\n"
    assert '"ssh_public_key.ops"' in made.run("state", "pull").out
    assert made.run("state", "history").out.startswith("#1 ")


def test_a_key_is_chosen_changed_and_given_up(made: Project) -> None:
    manifest(made, "")
    made.apply()
    manifest(made, UNDER_KEY)
    refused = made.run("plan")
    assert (refused.code, "state rekey" in refused.err) == (3, True)
    for state, is_hidden in ((UNDER_KEY, True), (CHANGED, True), (GIVEN_UP, False)):
        manifest(made, state)
        assert made.run("state", "rekey").code == 0
        assert ("ssh_public_key" not in stored(made)) is is_hidden
        assert made.actions() == {}
    manifest(made, "")
    assert made.actions() == {}


@pytest.mark.parametrize(
    ("value", "said"),
    [(None, "the environment variable STATE_KEY is not set"), ("hunter2", "cannot be read")],
)
def test_a_missing_or_wrong_key_is_said_and_not_shown(made: Project, value: str | None, said: str) -> None:
    manifest(made, UNDER_KEY)
    made.apply()
    made.environ["STATE_KEY"] = value or ""
    if value is None:
        del made.environ["STATE_KEY"]
    for command in (("plan",), ("state", "list"), ("apply", "--yes"), ("status",)):
        refused = made.run(*command)
        assert (refused.code, said in refused.err, "hunter2" in refused.err) == (1, True, False), refused


def test_a_key_comes_from_a_file_or_a_command(made: Project) -> None:
    made.write(OLD, "key")
    manifest(made, "state: {encryption: {key: {file: key}}}\n")
    made.apply()
    manifest(made, "state: {encryption: {key: {command: [cat, key]}}}\n")
    assert made.actions() == {}


def test_a_key_that_cannot_be_told_is_never_no_key(made: Project) -> None:
    manifest(made, "state: {encryption: {key: {file: '${env.NOWHERE}'}}}\n")
    refused = made.run("state", "list")
    assert (refused.code, "no key" in refused.err or "no state" in refused.err) == (1, True)
    assert made.run("apply", "--yes").code == 1
    assert not list(made.folder.glob("state/*.json"))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("encryption: {}", "encryption needs a key"),
        ("encryption: {key: {vault: x}}", 'there is no key "vault"'),
        ("encryption: {key: {env: A}, old_keys: {env: B}}", "must be a list"),
    ],
)
def test_what_is_wrong_with_it_is_said(made: Project, state: str, said: str) -> None:
    manifest(made, f"state: {{{state}}}\n")
    refused = made.run("validate")
    assert refused.code == 1
    assert said in " ".join((refused.out + refused.err).split())


def test_an_environment_may_have_its_own_key(made: Project) -> None:
    made.write(
        "version: 1\nproject: shop\n"
        "state: {encryption: {key: {env: STATE_KEY}}}\n"
        "environments:\n  eu: {state: {encryption: {key: {file: key}}}}\n  us: {}\n" + RESOURCES
    )
    made.write(NEW, "key")
    made.apply("-e", "eu")
    made.apply("-e", "us")
    del made.environ["STATE_KEY"]
    assert made.actions("-e", "eu") == {}
    assert made.run("plan", "-e", "us").code == 1


def test_a_plain_state_moves_under_a_key(made: Project) -> None:
    manifest(made, "")
    made.apply()
    manifest(made, "state: {path: elsewhere, encryption: {key: {env: STATE_KEY}}}\n")
    assert made.run("state", "migrate").code == 0
    assert made.actions() == {}
    assert "ssh_public_key" not in (made.folder / "elsewhere" / "default.json").read_text()
