from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from reconciler.clients.image_copy import CopyResult, copy_image, put_tags
from reconciler.clients.image_manifest import Manifest
from reconciler.clients.image_source import RegistrySource
from reconciler.clients.registry import Registry
from reconciler.clients.upload_memory import UploadMemory
from reconciler.emulator.server import LocalServer
from reconciler.errors import AuthenticationError, InterruptedRunError, NotFoundError, UnavailableError
from tests.clients.clock import Clock
from tests.clients.conftest import ACCOUNT, drive
from tests.clients.faulty_registry import FaultyRegistry
from tests.clients.images import Image, image, index, pieces_of, pull, push

Connect = Callable[..., Registry]
APP = f"{ACCOUNT}/app"
LAYERS = [bytes([number]) * 5_000 for number in range(10)]


@pytest.fixture(autouse=True)
def empty_world(emulator: LocalServer) -> None:
    drive(emulator, "DELETE", "world")


def uploads(emulator: LocalServer) -> list[dict[str, Any]]:
    return [e for e in drive(emulator, "GET", "ledger") if e["method"] == "PATCH" and e["status"] == 202]


def test_an_image_is_copied_under_all_its_tags(managed: Registry) -> None:
    source = image(*LAYERS)
    result = copy_image(source, managed, APP, ["1", "latest"])
    sent = sum(map(len, source.blobs.values()))
    assert result == CopyResult(source.top.digest, bytes_sent=sent, blobs_sent=11)
    for tag in ("1", "latest"):
        assert pull(managed, APP, tag) == source.blobs | {source.top.digest: source.top.content}


def test_without_a_tag_an_image_is_there_by_digest(managed: Registry) -> None:
    source = image(b"x")
    copy_image(source, managed, APP)
    assert managed.get_manifest(APP, source.top.digest).content == source.top.content
    assert managed.list_tags(APP) == ()


def test_what_is_there_is_not_sent_again(managed: Registry, emulator: LocalServer) -> None:
    copy_image(image(*LAYERS[:9]), managed, APP, ["1"])
    sent = len(uploads(emulator))
    result = copy_image(image(*LAYERS), managed, APP, ["2"])
    assert (result.blobs_sent, result.blobs_present) == (2, 9)
    assert copy_image(image(*LAYERS), managed, APP, ["3"]).blobs_present == 11
    assert len(uploads(emulator)) == sent + 2


def test_a_layer_that_occurs_twice_is_sent_once(managed: Registry) -> None:
    assert copy_image(image(b"same", b"same"), managed, APP, ["1"]).blobs_sent == 2


def test_one_platform_of_an_index_is_copied(managed: Registry) -> None:
    amd, arm = image(b"amd"), image(b"arm", architecture="arm64")
    result = copy_image(index(("linux/amd64", amd), ("linux/arm64", arm)), managed, APP, ["1"])
    assert (result.digest, result.blobs_sent) == (amd.top.digest, 2)


def test_an_index_is_copied_whole_with_the_same_digest(managed: Registry) -> None:
    source = index(("linux/amd64", image(b"amd")), ("linux/arm64", image(b"arm", architecture="arm64")))
    nested = index(("linux/amd64", source))
    nested.children |= source.children
    result = copy_image(nested, managed, APP, ["all"], all_platforms=True)
    assert (result.digest, result.blobs_sent) == (nested.top.digest, 4)
    assert set(pull(managed, APP, "all")) == {nested.top.digest, *nested.children, *nested.blobs}


def test_between_repositories_of_one_registry_blobs_are_mounted(
    managed: Registry, emulator: LocalServer
) -> None:
    push(managed, APP, "1", image(*LAYERS))
    sent = len(uploads(emulator))
    result = copy_image(RegistrySource(managed, APP, "1"), managed, f"{ACCOUNT}/other", ["1"])
    assert (result.blobs_mounted, result.bytes_sent) == (11, 0)
    assert len(uploads(emulator)) == sent


def test_a_build_is_mounted_from_where_it_was_pushed_before(managed: Registry) -> None:
    source = image(*LAYERS)
    copy_image(source, managed, APP, ["1"])
    result = copy_image(source, managed, f"{ACCOUNT}/twin", ["1"], mount_from=[f"{ACCOUNT}/absent", APP])
    assert result.blobs_mounted == 11


def test_from_registry_to_registry_the_digest_stays(
    managed: Registry, connect: Connect, faulty: FaultyRegistry
) -> None:
    source = image(*LAYERS)
    push(connect(), "app", "1", source)
    faulty.cut_blob_after = [1_000, 2_000]
    result = copy_image(RegistrySource(connect(), "app", "1"), managed, APP, ["1"])
    assert pull(managed, APP, "1").keys() == {result.digest, *source.blobs}


@pytest.mark.registry
def test_a_copy_from_debians_registry_is_the_same(managed: Registry, docker_registry: str) -> None:
    source = image(*LAYERS)
    with Registry(docker_registry) as other:
        push(other, "copied", "1", source)
        copy_image(RegistrySource(other, "copied", "1"), managed, APP, ["1"])
        copy_image(RegistrySource(managed, APP, "1"), other, "back", ["1"])
        assert pull(other, "back", "1") == pull(managed, APP, "1")


def test_a_tag_that_holds_another_image_is_left_alone(managed: Registry, emulator: LocalServer) -> None:
    first, second = image(b"first"), image(b"second")
    copy_image(first, managed, APP, ["input-1"], never_overwrite=True)
    sent = len(uploads(emulator))
    result = copy_image(second, managed, APP, ["input-1"], never_overwrite=True)
    assert result == CopyResult(first.top.digest, kept=True)
    assert len(uploads(emulator)) == sent
    assert not copy_image(first, managed, APP, ["input-1"], never_overwrite=True).kept
    assert copy_image(second, managed, APP, ["input-1"]).digest == second.top.digest


def test_a_tag_taken_during_the_copy_is_left_alone(managed: Registry) -> None:
    mine, other = image(*LAYERS), image(b"other")

    def take_tag(done: int, total: int, text: str) -> None:
        if done == total:
            push(managed, APP, "input-1", other)

    result = copy_image(mine, managed, APP, ["input-1"], never_overwrite=True, progress=take_tag)
    assert result == CopyResult(other.top.digest, kept=True)
    assert managed.get_manifest(APP, "input-1").digest == other.top.digest


def test_of_two_that_put_a_tag_at_once_the_last_is_right(
    managed: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine, other = image(b"mine"), image(b"other")
    put = managed.put_manifest

    def put_then_other(repository: str, reference: str, manifest: Manifest) -> None:
        put(repository, reference, manifest)
        monkeypatch.setattr(managed, "put_manifest", put)
        push(managed, APP, "input-1", other)

    monkeypatch.setattr(managed, "put_manifest", put_then_other)
    result = copy_image(mine, managed, APP, ["input-1"], never_overwrite=True)
    assert result == CopyResult(other.top.digest, kept=True)


def test_further_tags_are_put_on_an_image(managed: Registry) -> None:
    digest = push(managed, APP, "1", image(b"x"))
    put_tags(managed, APP, digest, ["stable", "newest"])
    assert sorted(managed.list_tags(APP)) == ["1", "newest", "stable"]


def test_progress_rises_to_the_whole(managed: Registry) -> None:
    told: list[tuple[int, int, str]] = []
    source = image(*LAYERS)
    copy_image(source, managed, APP, ["1"], progress=lambda *step: told.append(step))
    total = sum(map(len, source.blobs.values()))
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1][:2] == (total, total)
    assert all(text.startswith(f"{APP}@sha256:") for _, _, text in told)


def test_a_stop_is_heard_and_nothing_is_tagged(managed: Registry) -> None:
    calls = iter(range(1000))
    with pytest.raises(InterruptedRunError, match="run again to go on"):
        copy_image(image(*LAYERS), managed, APP, ["1"], stop=lambda: next(calls) > 20)
    assert managed.head_manifest(APP, "1") is None


@dataclass
class Broken(Image):
    """An image of which one layer cannot be read, while the others wait for it to fail."""

    def open_blob(self, digest: str, size: int, offset: int = 0) -> Generator[bytes, None, None]:
        if size == 5_000:
            raise NotFoundError("the layer is gone")
        yield from pieces_of(self.blobs[digest][offset:])


def test_the_first_failure_ends_the_copy(managed: Registry) -> None:
    source = image(*LAYERS)
    broken = Broken(source.top, source.blobs)
    with pytest.raises(NotFoundError, match="the layer is gone"):
        copy_image(broken, managed, APP, ["1"])
    assert managed.head_manifest(APP, "1") is None
    assert [t for t in threading.enumerate() if t.name.startswith("blob")] == []


def test_a_stopped_copy_goes_on_with_its_uploads(
    connect: Connect, faulty: FaultyRegistry, tmp_path: Path
) -> None:
    source = image(b"x" * 50_000)
    registry = connect(chunk_size=10_000)
    registry._uploads = UploadMemory(tmp_path)
    with pytest.raises(InterruptedRunError):
        copy_image(source, registry, "app", ["1"], parallel=1, stop=lambda: len(faulty.asked("PATCH")) > 2)
    assert len(list(tmp_path.iterdir())) == 1
    copy_image(source, registry, "app", ["1"])
    assert list(tmp_path.iterdir()) == []
    assert pull(registry, "app", "1").keys() == {source.top.digest, *source.blobs}
    assert len(faulty.asked("POST")) == 2


@pytest.mark.parametrize("fault", [{"drop": "before"}, {"drop": "after"}, {"html": True}, {"status": 503}])
@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "HEAD"])
def test_any_fault_once_changes_nothing(
    managed: Registry, emulator: LocalServer, clock: Clock, method: str, fault: dict[str, Any]
) -> None:
    source = image(*LAYERS[:3])
    drive(emulator, "PUT", "faults", [{"method": method, "path": "^/v2/", "after": 1, "fault": fault}])
    try:
        result = copy_image(source, managed, APP, ["1"])
    finally:
        drive(emulator, "PUT", "faults", [])
    assert result.digest == source.top.digest
    assert pull(managed, APP, "1").keys() == {source.top.digest, *source.blobs}


def test_a_registry_that_is_down_is_named(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.answers("HEAD", "", 503, times=99)
    with pytest.raises(UnavailableError, match=faulty.host):
        copy_image(image(b"x"), connect(), "app", ["1"])


def test_a_push_without_permission_is_refused(connect: Connect, faulty: FaultyRegistry) -> None:
    faulty.password = "pa55word"
    with pytest.raises(AuthenticationError, match="no credentials for it"):
        copy_image(image(b"x"), connect(), "app", ["1"])
