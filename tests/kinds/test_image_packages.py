"""What a plan says of the packages that come and go, and what it costs to find out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.sbom_attached import attach
from reconciler.clients.sbom_document import document_of
from reconciler.clients.sbom_layers import read_contents
from reconciler.clients.sbom_memory import SbomMemory
from reconciler.emulator.server import LocalServer
from reconciler.kinds.image import ImageHandler
from reconciler.model.plan import PlannedChange
from tests.clients.images import Image, push
from tests.clients.sbom_images import python_image
from tests.kinds.image_bench import ACCOUNT
from tests.kinds.kind_bench import KindBench, changes, failures
from tests.kinds.registries_bench import Registries, registries

REPOSITORY = f"{ACCOUNT}/tool"
OLD = python_image(kept="1.0", grown="1.0", gone="1.0")
NEW = python_image(kept="1.0", grown="2.0", come="1.0")
TOOL = {"image": "tool:1"}


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as running:
        yield running


@pytest.fixture
def there(server: LocalServer, tmp_path: Path) -> Iterator[Registries]:
    with registries(server, tmp_path) as made:
        push(made.managed, REPOSITORY, "1", OLD)
        assert failures(made.bench.apply(made.wish(TOOL, name="tool"))) == []
        yield made


def attach_to(there: Registries, image: Image) -> None:
    subject = there.managed.head_manifest(REPOSITORY, image.top.digest)
    assert subject is not None
    contents = read_contents(image, image.top.layers())
    attach(there.managed, REPOSITORY, subject, document_of(contents, "tool", image.top.digest, "1"))


def planned(there: Registries, bench: KindBench | None = None) -> tuple[PlannedChange, list[str]]:
    """The change, and what Cloudflare's registry was asked for it."""
    there.managed_requests()
    found = changes((bench or there.bench).plan(there.wish(TOOL, name="tool")))["image.api"]
    return found, there.managed_requests()


EXPECTED: dict[str, Any] = {
    "added": [{"name": "come", "type": "pypi", "version": "1.0"}],
    "changed": [{"name": "grown", "type": "pypi", "before": "1.0", "after": "2.0"}],
    "removed": [{"name": "gone", "type": "pypi", "version": "1.0"}],
}


def test_the_packages_that_come_and_go_are_told(there: Registries) -> None:
    attach_to(there, OLD)
    push(there.managed, REPOSITORY, "1", NEW)
    attach_to(there, NEW)
    change, asked = planned(there)
    assert change.details["packages"] == EXPECTED
    assert asked.count("GET referrers") == 2


def test_without_a_list_it_costs_one_question_and_stops_nothing(there: Registries) -> None:
    attach_to(there, OLD)
    push(there.managed, REPOSITORY, "1", NEW)
    change, asked = planned(there)
    assert "packages" not in change.details
    assert asked.count("GET referrers") == 1


def test_an_unchanged_image_costs_nothing(there: Registries) -> None:
    there.managed_requests()
    assert changes(there.bench.plan(there.wish(TOOL, name="tool"))) == {}
    assert there.managed_requests() == ["HEAD manifests"]


def test_what_was_seen_before_is_not_asked_for_again(there: Registries, tmp_path: Path) -> None:
    handler = ImageHandler(registry=there.registry, account_id=ACCOUNT, sboms=SbomMemory(tmp_path / "sboms"))
    bench = KindBench({"image": handler}, there.bench.state)
    attach_to(there, OLD)
    push(there.managed, REPOSITORY, "1", NEW)
    attach_to(there, NEW)
    assert planned(there, bench)[0].details["packages"] == EXPECTED
    change, asked = planned(there, bench)
    assert change.details["packages"] == EXPECTED
    assert "GET referrers" not in asked


def test_images_with_the_same_packages_say_nothing_of_them(there: Registries) -> None:
    attach_to(there, OLD)
    other = python_image(gone="1.0", grown="1.0", kept="1.0")
    push(there.managed, REPOSITORY, "1", other)
    attach_to(there, other)
    assert "packages" not in planned(there)[0].details


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 404}])
def test_a_registry_that_will_not_say_stops_nothing(there: Registries, fault: dict[str, Any]) -> None:
    push(there.managed, REPOSITORY, "1", NEW)
    there.drive("PUT", "faults", [{"path": "/referrers/", "times": 0, "fault": fault}])
    change, _ = planned(there)
    assert (change.action, "packages" in change.details) == ("update", False)
