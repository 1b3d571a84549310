"""Every field of what runs containers: made with it, it is written back so that the next plan changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.kinds import Clients, build_handlers
from reconciler.manifest import read_manifest
from reconciler.model.manifest import Inputs
from tests.clients.images import image, layout_files, write_folder
from tests.harness import ACCOUNT, Project, project
from tests.kinds.fields.samples import ENVIRON, FILES, LAYERS
from tests.kinds.fields.story import Case, allowed, cases, manifest, seed

KINDS = {name: handler.kind for name, handler in build_handlers(Clients()).items()}
RUNNING = ("application", "deployment")
CASES = {name: [case for case in cases(KINDS[name]) if case.said.changed != "refused"] for name in RUNNING}
POINTING = {"image", "secrets", "ssh_public_key_ids", "rollout_on", "replace_on"}
PROJECT = "version: 1\nproject: other  # of somebody else\n"


@pytest.fixture
def maker(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path / "made") as made:
        for name, text in FILES.items():
            made.write(text, name)
        for name, layer in LAYERS.items():
            write_folder(made.folder / name, layout_files(image(layer)))
        made.environ |= {**ENVIRON, "ELSEWHERE": "127.0.0.1:9"}
        seed(made)
        yield made


@pytest.mark.parametrize("name", RUNNING)
def test_every_field_is_written_as_it_is(name: str, maker: Project, tmp_path: Path) -> None:
    some = CASES[name]
    _make(maker, some)
    finder = Project(tmp_path, maker.server)
    finder.write(PROJECT)
    ended = finder.run("import", "--all", "--write")
    assert ended.code == 0, ended.err
    assert finder.plan()["changes"] == []
    external = [line for line in ended.err.splitlines() if "as somebody else's" in line and name in line]
    assert external == []
    written, made = _wanted(finder, name), _wanted(maker, name)
    assert [(made[one], written[one]) for one in made if not _holds(written[one], made[one])] == []


def _wanted(project: Project, name: str) -> dict[str, Any]:
    """What the manifest sets of each resource that the service gives back, by its id; pointers aside."""
    kind, path = KINDS[name], project.folder / "containers.yaml"
    inputs = Inputs(environ={**ENVIRON, "CLOUDFLARE_ACCOUNT_ID": ACCOUNT})
    resources = read_manifest(path, build_handlers(Clients()), None, inputs).resources
    state = json.loads((project.folder / "state" / "default.json").read_text())["resources"]
    unseen = {row.path for row in kind.attributes if row.write_only or row.computed or row.rides_along}
    unseen |= {row.path for row in kind.attributes if name == "deployment" and row.replaces}
    return {
        state[str(address)]["identity"]: {
            key: value
            for key, value in desired.attributes.items()
            if key not in unseen | POINTING and value not in ({}, [])
        }
        for address, desired in resources.items()
        if address.kind == name
    }


def _holds(written: Any, made: Any) -> bool:
    """Whether all that was sent is written; the service adds defaults of its own."""
    if isinstance(made, dict):
        return all(_holds((written or {}).get(key), inner) for key, inner in made.items())
    return bool(written == made) or made in (False, "", None)


def _make(maker: Project, some: list[Case]) -> None:
    maker.write(manifest({case.key: case.first for case in some}, some[0].kind.section))
    maker.apply(*allowed(maker.plan()))
    assert json.loads((maker.folder / "state" / "default.json").read_text())["resources"]
