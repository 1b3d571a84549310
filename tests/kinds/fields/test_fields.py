"""Every field of every kind: made with it, changed in it, left without it; the plan says what the reference says."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from reconciler.kinds import Clients, build_handlers
from reconciler.model.change import Effect
from reconciler.model.kind import Kind, Removal
from reconciler.model.value import parse_path
from tests.clients.fake_docker import install
from tests.clients.faulty_registry import FaultyRegistry, running
from tests.clients.images import Image, image, layout_files, write_folder, write_tar
from tests.harness import Project, project
from tests.kinds.fields.said import OPTIONS, said
from tests.kinds.fields.samples import ENVIRON, FILES, LAYERS, above
from tests.kinds.fields.story import Case, Story, allowed, cases, change_of, manifest, played, seed

KINDS = {name: handler.kind for name, handler in build_handlers(Clients()).items()}
ALL = [case for kind in KINDS.values() for case in cases(kind)]
CASES = [case for case in ALL if case.said.changed != "refused"]
each = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.group}.{case.path}")


@pytest.fixture(scope="module")
def stories() -> dict[str, Story]:
    """What became of each group of cases; a group is told of when the first of its cases asks."""
    return {}


@pytest.fixture
def story(case: Case, stories: dict[str, Story], tmp_path: Path) -> Story:
    """What became of the case and of those of its group; there is one account, so each of its fields is told of alone."""
    some = [case] if case.kind.singleton else [one for one in CASES if one.group == case.group]
    name = case.group + case.path if case.kind.singleton else case.group
    if name not in stories:
        stories[name] = _told(tmp_path, some)
    return stories[name]


def _told(folder: Path, some: list[Case]) -> Story:
    with _workshop(folder) as made:
        return played(made, some)


@contextlib.contextmanager
def _workshop(folder: Path) -> Iterator[Project]:
    """A project with every file, image and program that a case may name."""
    with project(folder / "project") as made, running() as elsewhere:
        for name, text in FILES.items():
            made.write(text, name)
        for name, layer in LAYERS.items():
            write_folder(made.folder / name, layout_files(image(layer)))
        _hold(elsewhere, image(b"elsewhere"))
        made.environ |= {**ENVIRON, **_tools(folder / "bin"), "ELSEWHERE": elsewhere.host}
        yield made


def _hold(registry: FaultyRegistry, held: Image) -> None:
    registry.blobs |= held.blobs
    for reference in ("first", held.top.digest):
        registry.manifests[reference] = (held.top.media_type, held.top.content)


def _tools(folder: Path) -> dict[str, str]:
    """Docker, 1Password and sops, played by scripts; the latter two print what they are asked for."""
    docker = install(folder).answer(
        buildx_version="buildx v0.17.1", buildx_inspect="Driver: remote", buildx_build="done"
    )
    write_tar(folder / "image.tar", layout_files(image(b"built")))
    for name in ("op", "sops"):
        (folder / name).write_text('#!/bin/sh\nprintf %s "$*"\n')
        (folder / name).chmod(0o755)
    return {**docker.environ, "PATH": f"{folder}:{docker.environ['PATH']}"}


@each
def test_a_field_that_is_set_leaves_nothing_to_do(case: Case, story: Story) -> None:
    made = story.steps[0]
    assert made.change(case.address).split(" ")[0] in ("create", "run"), made.said_of(case.address)
    assert made.left_over(case.address) == "nothing", made.said_of(case.address)


@each
def test_a_changed_field_does_what_the_reference_says(case: Case, story: Story) -> None:
    changed = story.steps[1]
    expected = case.said.changed if case.first != case.second else "nothing"
    assert changed.change(case.address) == expected, changed.said_of(case.address)
    assert changed.left_over(case.address) == "nothing", changed.said_of(case.address)


@each
def test_a_field_that_is_left_out_is_as_the_reference_says(case: Case, story: Story) -> None:
    gone = story.steps[2]
    expected = {"refused": "nothing", "kept": "update none"}.get(case.said.removed, case.said.removed)
    assert gone.change(case.address) == expected, gone.said_of(case.address)
    assert gone.left_over(case.address) == "nothing", gone.said_of(case.address)
    keeps = any("the service keeps it" in note for note in gone.notes(case.address))
    assert keeps == (case.said.removed == "kept")


@each
def test_null_is_as_good_as_left_out(case: Case, story: Story) -> None:
    assert change_of(story.emptied, case.address) == "nothing"


@each
def test_what_is_said_to_be_sent_reaches_the_service(case: Case, story: Story) -> None:
    """The plan is empty afterwards also where nothing was sent and nothing can be read back; so the world is asked too."""
    before, changed, after = (step.thing(case) for step in story.steps)
    if _is_sent(case.said.changed) and case.first != case.second:
        assert changed != before, case.path
    if _is_sent(case.said.removed):
        assert after != changed, case.path


def _is_sent(effect: str) -> bool:
    return effect.rpartition(" ")[2] in ("hot", "rollout", "downtime")


READ_BACK = [
    "application",
    "deployment",
    "registry",
    "registry_protocol",
    "secret",
    "ssh_public_key",
    "worker",
]
"""Kinds of which the service gives back more than a name; an image is its digest, and a run what it was given."""


@pytest.mark.parametrize("name", READ_BACK)
def test_every_field_is_read_back_as_it_was_sent(name: str, tmp_path: Path) -> None:
    """What is brought in without any memory differs in nothing but what the service does not give back."""
    some, kind = [case for case in CASES if case.group == name], KINDS[name]
    with _workshop(tmp_path) as made:
        seed(made)
        text = manifest({case.key: case.first for case in some}, kind.section)
        made.write(text)
        made.apply(*allowed(made.plan()))
        state = json.loads((made.folder / "state" / "default.json").read_text())["resources"]
        made.run("state", "rm", "--yes", *(case.address for case in some))
        if kind.named:
            made.run("import", "--all")
        else:
            ids = [{"to": case.address, "id": state[case.address]["identity"]} for case in some]
            made.write(json.dumps({**json.loads(text), "imports": ids}))
        assert _differing(made.plan(), kind, {case.address: case.path for case in some}) == []


def _differing(plan: Any, kind: Kind, paths: Mapping[str, str]) -> list[tuple[str, str, Any]]:
    """What a plan would change that can be read: the case's path, the action, the attribute."""
    return [
        (paths[change["address"]], change["action"], one)
        for change in plan["changes"]
        if change["address"] in paths
        for one in change["attributes"]
        if not _is_hidden(kind, parse_path(one["path"]))
    ]


def _is_hidden(kind: Kind, path: tuple[str, ...]) -> bool:
    row = kind.attribute(path)
    return path in (("as_sent",), ("depends_on",)) or (row is not None and row.write_only)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with project(tmp_path_factory.mktemp("refused")) as made:
        for name, text in FILES.items():
            made.write(text, name)
        made.environ |= {**ENVIRON, "ELSEWHERE": "127.0.0.1:9"}
        yield made


@pytest.mark.parametrize(
    "case",
    [case for case in ALL if "refused" in (case.said.changed, case.said.removed)],
    ids=lambda case: f"{case.group}.{case.path}",
)
def test_what_may_not_be_said_or_left_out_is_refused_at_its_place(case: Case, shop: Project) -> None:
    block = case.first if case.said.changed == "refused" else case.removed
    shop.write(manifest({case.key: block}, case.kind.section, singleton=case.kind.singleton))
    found = [one for one in shop.plan()["diagnostics"] if one["severity"] == "error"]
    assert {one["address"] for one in found} == {case.address}
    assert all(one["source"]["line"] and one["detail"] for one in found)


# the kinds' own tables against the reference


WORKED_OUT = {"secret.from": "value", "ssh_public_key.public_key_file": "public_key"}
"""Fields that are no difference themselves: what is worked out of them is."""


@cache
def _declared(kind: str, path: str) -> tuple[str, str] | None:
    """What the kind's own table says of a place, in the words of the reference's."""
    path = above(WORKED_OUT, kind, path) or path
    row = KINDS[kind].attribute(tuple(path.replace("[]", "").split(".")))
    if row is None:
        return None
    verb = "run" if KINDS[kind].runs else "replace" if row.replaces else "update"
    changed = f"{verb} {row.effect}"
    removed = {Removal.KEEP: "kept", Removal.LEAVE: "nothing"}.get(row.removal, changed)
    return changed, removed


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.group}.{case.path}")
def test_the_kind_declares_what_the_reference_says(case: Case) -> None:
    declared = _declared(case.kind.name, case.path)
    if declared is None or case.path in OPTIONS or not _is_sent(case.said.changed):
        return
    assert said(case.kind.name, case.path) == case.said
    assert declared[0] == case.said.changed
    if case.said.removed not in ("refused", "nothing"):
        assert declared[1] == case.said.removed


def test_no_effect_goes_untried() -> None:
    tried = {case.said.changed.rpartition(" ")[2] for case in CASES if _is_sent(case.said.changed)}
    assert tried == {str(effect) for effect in Effect if effect is not Effect.NONE}
