"""The same inputs in two places: one build, one push; and where two build at once, one digest."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.fake_docker import FakeDocker, install
from tests.clients.images import image, layout_files, write_tar
from tests.harness import ACCOUNT, Project, project

MANIFEST = """\
version: 1
project: shop
environments: {staging: {}, production: {}}
images: {api: {build: web}, jobs: {build: {context: web, args: {ROLE: jobs}}}}
outputs: {api: "${images.api.ref}", jobs: "${images.jobs.ref}"}
"""


def person(world: Project, name: str) -> tuple[Project, FakeDocker]:
    """Somebody with a checkout and a Docker of his own, whose builds never come out as anybody else's."""
    folder = world.folder / name
    docker = install(world.folder / f"docker-{name}").answer(
        buildx_version="buildx v0.17.1", buildx_inspect="Driver: remote", buildx_build="done"
    )
    write_tar(docker.folder / "image.tar", layout_files(image(name.encode() * 1000)))
    made = Project(folder, world.server, dict(docker.environ))
    made.write(MANIFEST)
    made.write("FROM scratch\nCOPY . /app/\n", "web/Dockerfile")
    made.write("one", "web/app.txt")
    return made, docker


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        yield made


def outputs(made: Project, environment: str) -> dict[str, str]:
    found: dict[str, str] = made.run("output", "--json", "-e", environment).document
    return found


def tagged(world: Project) -> dict[str, str]:
    return {
        tag: f"{one['repository'].removeprefix(f'{ACCOUNT}/')}@{one['digest']}"
        for one in world.world("manifest")
        for tag in one["tags"]
    }


def test_two_people_and_two_environments_build_once(world: Project) -> None:
    ours, our_docker = person(world, "ours")
    theirs, their_docker = person(world, "theirs")
    ours.apply("-e", "staging")
    held = tagged(world)
    ours.apply("-e", "production")
    theirs.apply("-e", "staging")
    assert tagged(world) == held
    assert (len(our_docker.asked("buildx", "build")), their_docker.asked()) == (2, [])
    assert outputs(ours, "staging") == outputs(ours, "production") == outputs(theirs, "staging")


@pytest.mark.parametrize("delay", [0.0, 0.03, 0.1])
def test_two_that_build_at_once_agree(world: Project, delay: float) -> None:
    people = [person(world, name) for name in ("ours", "theirs")]
    world.faults(
        {"path": "^/v2/", "times": 0, "fault": {"delay": delay}} if delay else {"fault": {"delay": 0}}
    )
    running = [made.process("apply", "--yes", "-e", "staging") for made, _ in people]
    for process in running:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err + out
    world.faults()
    found = [outputs(made, "staging") for made, _ in people]
    assert found[0] == found[1]
    assert {ref.rpartition("/")[2] for ref in found[0].values()} == set(tagged(world).values())
