from __future__ import annotations

import gzip
import sys
import tracemalloc
from collections.abc import Callable, Generator
from typing import Any

import pytest
import zstandard

from reconciler.clients.content_digest import digest_of
from reconciler.clients.image_manifest import OCI_LAYER, Descriptor
from reconciler.clients.sbom_layers import Contents, read_contents
from reconciler.clients.sbom_packages import Distribution, Package
from reconciler.errors import IntegrityError, InterruptedRunError, ProviderError
from tests.clients.images import image
from tests.clients.sbom_images import DEBIAN, DPKG, layer, npm, python

ONE, TWO = Package("pypi", "one", "1.0"), Package("pypi", "two", "2.0")
ONE_PATH, ONE_TEXT = python("one", "1.0")
TWO_PATH, TWO_TEXT = python("two", "2.0")
FOLDER = ONE_PATH.rpartition("/")[0]
SITE = FOLDER.rpartition("/")[0]


def contents(*layers: bytes, **how: Any) -> Contents:
    made = image(*layers)
    return read_contents(made, made.top.layers(), **how)


def packages(*layers: bytes) -> tuple[Package, ...]:
    return contents(*layers).packages


def test_all_managers_at_once_each_package_once() -> None:
    found = contents(
        layer({"./var/lib/dpkg/status": DPKG, "usr/lib/os-release": DEBIAN}),
        layer(dict([python("one", "1.0"), npm("left-pad", "1.3.0"), npm("left-pad", "1.3.0", "other")])),
    )
    assert found == Contents(
        (Package("deb", "libc6", "2.36-9+deb12u4", "amd64"), Package("npm", "left-pad", "1.3.0"), ONE),
        Distribution("debian", "12"),
    )


BELOW = layer({ONE_PATH: ONE_TEXT, TWO_PATH: TWO_TEXT})


@pytest.mark.parametrize(
    ("above", "left"),
    [
        ({}, (ONE, TWO)),
        ({f"{FOLDER}/.wh.METADATA": ""}, (TWO,)),
        ({f"{SITE}/.wh.one-1.0.dist-info": ""}, (TWO,)),
        ({"usr/.wh.lib": ""}, ()),
        ({".wh.usr": ""}, ()),
        ({"usr/lib/.wh..wh..opq": ""}, ()),
        ({".wh..wh..opq": ""}, ()),
        ({"usr/lib/.wh.nothing": "", "opt/.wh..wh..opq": "", f"{SITE}/.wh.one": ""}, (ONE, TWO)),
        ({f"{SITE}/": ""}, (ONE, TWO)),
        ({f"{ONE_PATH}/": ""}, (TWO,)),
        ({SITE: None}, ()),
        ({"usr": "a file"}, ()),
        ({ONE_PATH: None}, (TWO,)),
        ({ONE_PATH: TWO_TEXT}, (TWO,)),
    ],
)
def test_a_layer_hides_what_it_deletes_or_replaces(
    above: dict[str, str | None], left: tuple[Package, ...]
) -> None:
    assert packages(BELOW, layer(above)) == left


@pytest.mark.parametrize("marker_first", [True, False])
def test_a_layer_hides_nothing_of_its_own(marker_first: bool) -> None:
    both: list[tuple[str, str | None]] = [(f"{SITE}/.wh..wh..opq", ""), (TWO_PATH, TWO_TEXT)]
    above = dict(both if marker_first else reversed(both))
    assert packages(layer({ONE_PATH: ONE_TEXT}), layer(above)) == (TWO,)


def test_what_was_deleted_can_come_back() -> None:
    assert packages(BELOW, layer({".wh.usr": ""}), layer({TWO_PATH: TWO_TEXT})) == (TWO,)


def test_a_hard_link_is_what_it_links_to() -> None:
    linked = layer({ONE_PATH: ONE_TEXT}, **{f"venv/{ONE_PATH}": f"./{ONE_PATH}"})
    assert packages(linked, layer({".wh.usr": ""})) == (ONE,)


def several_members(content: bytes) -> bytes:
    return b"".join(gzip.compress(content[at : at + 700]) for at in range(0, len(content), 700))


@pytest.mark.parametrize("compress", [gzip.compress, several_members, zstandard.compress, bytes])
def test_layers_are_unpacked_whatever_they_are_called(compress: Callable[[bytes], bytes]) -> None:
    assert packages(compress(BELOW)) == (ONE, TWO)


def test_empty_layers_hold_nothing() -> None:
    assert packages(b"", gzip.compress(b""), gzip.compress(bytes(1024)), layer()) == ()


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (gzip.compress(BELOW)[:-30], "cannot be unpacked"),
        (b"BZh9" + bytes(100), "compressed with bzip2"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 100, "cannot be unpacked"),
        (b"\x1f\x8b" + bytes(100), "cannot be unpacked"),
        (layer({ONE_PATH: "x" * (33 * 1024 * 1024)}), "a list of packages of"),
    ],
    ids=["cut", "bzip2", "zstd", "gzip", "large"],
)
def test_what_cannot_be_read_is_an_error(damaged: bytes, said: str) -> None:
    with pytest.raises(ProviderError, match=said):
        contents(damaged)


def test_what_was_damaged_on_its_way_is_said_to_be() -> None:
    made, content = image(gzip.compress(BELOW)), gzip.compress(BELOW)
    [told] = made.top.layers()
    made.blobs[told.digest] = content[:200] + b"xx" + content[202:]
    with pytest.raises(IntegrityError, match="the content of sha256"):
        read_contents(made, [told])


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(layer({"zeros": "\0" * 3_000_000}))
    assert len(bomb) < 10_000
    with pytest.raises(ProviderError, match="unpacks to more than an image may hold"):
        contents(bomb, bomb, most_unpacked=5_000_000)


class Endless:
    """A layer that is made while it is read."""

    name, home = "endless", ("", "")

    def __init__(self, pieces: list[bytes], times: int) -> None:
        self._pieces, self._times = pieces, times

    def open_blob(self, digest: str, size: int, offset: int = 0) -> Generator[bytes, None, None]:
        for _ in range(self._times):
            yield from self._pieces

    @property
    def descriptor(self) -> Descriptor:
        content = b"".join(self._pieces) * self._times
        return Descriptor(OCI_LAYER, digest_of(content), len(content))


def test_memory_does_not_grow_with_a_layer() -> None:
    hundred = layer({f"folder/{number}": "x" * 1000 for number in range(100)})[: 100 * 1536]
    source = Endless([hundred], 200)
    told = source.descriptor
    tracemalloc.start()
    try:
        read_contents(source, [told])  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 3 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_it_stops_when_it_is_told_to() -> None:
    made = image(BELOW)
    with pytest.raises(InterruptedRunError):
        read_contents(made, made.top.layers(), stop=lambda: True)


def test_a_library_for_zstd_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    monkeypatch.setitem(sys.modules, "compression", None)
    with pytest.raises(
        ProviderError, match="compressed with zstd, for which there is no library; install zstandard"
    ):
        contents(zstandard.compress(BELOW))
