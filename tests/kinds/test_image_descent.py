"""Where a digest comes from: remembered at the build, handed on by a promotion, shown in a plan."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.builder import DockerBuilder
from reconciler.clients.temporary_image import TemporaryImages
from reconciler.emulator.server import LocalServer
from reconciler.kinds.image import ImageHandler
from reconciler.kinds.image.descent import descent_details
from tests.clients.fake_docker import install
from tests.clients.images import image, layout_files, push, write_tar
from tests.clients.test_git_commit import committed
from tests.kinds.image_bench import ACCOUNT
from tests.kinds.kind_bench import KindBench, changes, failures
from tests.kinds.registries_bench import API, Registries, registries

BUILD = {"build": {"context": "web"}}
BUILT = image(b"layer")
SHA = "1234567890abcdef" * 2 + "12345678"


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def there(server: LocalServer, tmp_path: Path) -> Iterator[Registries]:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "Dockerfile").write_text("FROM scratch\n")
    with registries(server, tmp_path) as made:
        yield made


@pytest.fixture
def bench(there: Registries, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KindBench]:
    docker = install(tmp_path_factory.mktemp("docker"))
    write_tar(docker.folder / "image.tar", layout_files(BUILT))
    docker.answer(buildx_version="buildx v0.17.1", buildx_inspect="Driver: remote", buildx_build="done")
    with TemporaryImages() as temporary:
        yield there.another_machine(DockerBuilder(temporary, docker.environ))


def descent(bench: KindBench) -> Mapping[str, Any]:
    found: Mapping[str, Any] = bench.prior(API).facts.get("descent", {})
    return found


def test_a_build_remembers_its_commit_and_its_inputs(there: Registries, bench: KindBench) -> None:
    sha = committed(there.folder)
    change = changes(bench.plan(there.wish(BUILD)))["image.api"]
    assert change.details["commit"] == sha[:12]
    assert failures(bench.apply(there.wish(BUILD))) == []
    inputs = bench.prior(API).attributes["inputs"]
    assert descent(bench) == {"commit": sha, "dirty": False, "inputs": inputs}


def test_files_that_are_not_in_the_commit_are_said(there: Registries, bench: KindBench) -> None:
    sha = committed(there.folder)
    (there.folder / "web" / "app.py").write_text("x")
    change = changes(bench.plan(there.wish(BUILD)))["image.api"]
    assert change.details["commit"] == f"{sha[:12]} with changes"


def test_the_same_inputs_stay_what_they_were(there: Registries, bench: KindBench) -> None:
    first = committed(there.folder)
    bench.apply(there.wish(BUILD))
    (there.folder / "README").write_text("x")
    assert committed(there.folder) != first
    assert changes(bench.plan(there.wish(BUILD))) == {}
    assert failures(bench.apply(there.wish({**BUILD, "tags": ["stable"]}))) == []
    assert descent(bench)["commit"] == first


def test_outside_of_git_only_the_inputs_are_known(
    there: Registries, bench: KindBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.apply(there.wish(BUILD))
    assert descent(bench).keys() == {"inputs"}
    assert "commit" not in changes(bench.plan(replace(there.wish(BUILD), protect=True)))["image.api"].details


def test_a_promoted_digest_keeps_what_is_known_of_it(there: Registries) -> None:
    known = {"environment": "staging", "commit": SHA, "dirty": True, "inputs": "sha256:1"}
    asked: list[str] = []

    def known_descent(digest: str) -> Mapping[str, Any]:
        asked.append(digest)
        return known

    handler = ImageHandler(registry=there.registry, account_id=ACCOUNT, known_descent=known_descent)
    bench = KindBench({"image": handler})
    digest = push(there.managed, f"{ACCOUNT}/shop-api", "1", BUILT)
    wish = there.wish({**BUILD, "digest": digest})
    change = changes(bench.plan(wish))["image.api"]
    assert (change.details["commit"], change.details["from_environment"]) == (
        "1234567890ab with changes",
        "staging",
    )
    assert failures(bench.apply(wish)) == []
    assert descent(bench) == known
    asked.clear()
    assert failures(bench.apply(there.wish({**BUILD, "digest": digest, "tags": ["live"]}))) == []
    assert (descent(bench), asked) == (known, [])


@pytest.mark.parametrize(
    ("known", "told"),
    [
        ({}, {}),
        ({"inputs": "sha256:1"}, {}),
        ({"commit": SHA, "dirty": False}, {"commit": SHA[:12]}),
        ({"environment": "staging"}, {"from_environment": "staging"}),
        ({"dirty": True}, {}),
    ],
)
def test_a_reader_is_told_what_is_known(known: dict[str, Any], told: dict[str, str]) -> None:
    assert descent_details(known) == told
