"""Plain layers are compressed on their way; what is in them, and what they are known by, stays."""

from __future__ import annotations

import gzip
import json
from collections.abc import Generator
from pathlib import Path

import pytest

from reconciler.clients.content_digest import digest_of
from reconciler.clients.digest_memory import DigestMemory
from reconciler.clients.image_copy import copy_image
from reconciler.clients.image_manifest import OCI_LAYER
from reconciler.clients.image_source import ImageSource, resolve
from reconciler.clients.packed_image import PackedImage
from reconciler.clients.registry import Registry
from reconciler.errors import IntegrityError, InterruptedRunError, ReconcilerError
from tests.clients.conftest import ACCOUNT
from tests.clients.images import Image, image, index, manifest_of

LAYERS = b"base" * 50_000, b"changed" * 9_000
PLAIN = image(*LAYERS)


class Counted(Image):
    """An image that knows which of its blobs were read."""

    def open_blob(self, digest: str, size: int, offset: int = 0) -> Generator[bytes, None, None]:
        self.read = [*getattr(self, "read", []), digest]
        yield from super().open_blob(digest, size, offset)


def counted() -> Counted:
    return Counted(PLAIN.top, PLAIN.blobs)


def folder(tmp_path: Path, name: str) -> Path:
    (made := tmp_path / name).mkdir()
    return made


def read(source: ImageSource) -> list[bytes]:
    return [b"".join(source.open_blob(one.digest, one.size)) for one in resolve(source).layers]


@pytest.mark.parametrize("source", [PLAIN, index(("linux/amd64", PLAIN), ("linux/arm64", image(b"x")))])
def test_layers_are_compressed_and_say_so(tmp_path: Path, source: Image) -> None:
    packed = PackedImage(source, tmp_path, DigestMemory())
    found = resolve(packed)
    assert [one.media_type for one in found.layers] == [f"{OCI_LAYER}+gzip"] * 2
    assert [gzip.decompress(content) for content in read(packed)] == list(LAYERS)
    assert [digest_of(content) for content in read(packed)] == [one.digest for one in found.layers]
    assert sum(one.size for one in found.layers) < 3_000
    assert found.manifest.config() == PLAIN.top.config()
    assert b"".join(packed.open_blob(found.layers[0].digest, 0, offset=5)) == read(packed)[0][5:]


def test_what_is_compressed_already_stays(tmp_path: Path) -> None:
    document = json.loads(PLAIN.top.content)
    for layer in document["layers"]:
        layer["mediaType"] += "+zstd"
    source = Image(manifest_of(document), PLAIN.blobs)
    assert PackedImage(source, tmp_path, DigestMemory()).manifest() == source.top


def test_a_layer_is_compressed_once_and_again_where_its_bytes_are_wanted(tmp_path: Path) -> None:
    memory = DigestMemory(tmp_path / "memory")
    first = PackedImage(counted(), folder(tmp_path, "first"), memory).manifest()
    source = counted()
    again = PackedImage(source, folder(tmp_path, "again"), memory)
    assert again.manifest() == first
    assert source.read == [PLAIN.top.config().digest]
    b"".join(again.open_blob(first.layers()[1].digest, 0))
    assert source.read[1:] == [PLAIN.top.layers()[1].digest]


def test_another_compressor_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = DigestMemory(tmp_path / "memory")
    PackedImage(PLAIN, folder(tmp_path, "first"), memory).manifest()
    monkeypatch.setattr("reconciler.clients.packed_image._BY", "zlib 2")
    source = counted()
    PackedImage(source, folder(tmp_path, "again"), memory).manifest()
    assert len(source.read) == 3


def test_a_memory_that_is_wrong_is_put_right(tmp_path: Path) -> None:
    memory = DigestMemory(tmp_path / "memory")
    right = PackedImage(PLAIN, folder(tmp_path, "first"), memory).manifest()
    layer = PLAIN.top.layers()[0].digest
    memory.keep(layer, {**memory.recall(layer), "digest": "sha256:" + "0" * 64})
    wrong = PackedImage(PLAIN, folder(tmp_path, "wrong"), memory)
    for _ in range(2):  # an upload asks again
        with pytest.raises(IntegrityError, match="run again"):
            read(wrong)
    assert PackedImage(PLAIN, folder(tmp_path, "again"), memory).manifest() == right


def test_it_can_be_stopped_and_says_where_there_was_no_room(tmp_path: Path) -> None:
    with pytest.raises(InterruptedRunError):
        PackedImage(PLAIN, tmp_path, DigestMemory(), stop=lambda: True).manifest()
    with pytest.raises(ReconcilerError, match="TMPDIR"):
        PackedImage(PLAIN, tmp_path / "missing", DigestMemory()).manifest()


def test_how_far_it_is_counts_the_plain_bytes(tmp_path: Path) -> None:
    told: list[tuple[int, int, str]] = []
    PackedImage(PLAIN, tmp_path, DigestMemory(), lambda *one: told.append(one)).manifest()
    assert told[-1] == (sum(map(len, LAYERS)), sum(map(len, LAYERS)), "compressing its layers")


def test_a_registry_takes_it(managed: Registry, tmp_path: Path) -> None:
    packed, name = PackedImage(PLAIN, tmp_path, DigestMemory()), f"{ACCOUNT}/packed"
    assert copy_image(packed, managed, name, ["1"]).digest == packed.manifest().digest
    layers = managed.get_manifest(name, "1").layers()
    there = [b"".join(managed.open_blob(name, one.digest, one.size)) for one in layers]
    assert [gzip.decompress(content) for content in there] == list(LAYERS)
