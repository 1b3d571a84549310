"""An image whose plain layers are compressed before they are sent: what a daemon gives out is twice or thrice as large.

The compressed form follows from the content, so its digest is remembered: a layer is compressed again only where a registry
asks for its bytes. Layers that are compressed already stay as they are.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import zlib
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.clients.content_digest import verified
from reconciler.clients.digest_memory import DigestMemory
from reconciler.clients.image_manifest import Descriptor, Manifest
from reconciler.clients.image_source import ImageSource, resolve
from reconciler.errors import IntegrityError, InterruptedRunError, ReconcilerError

Progress = Callable[[int, int, str], None]
Stop = Callable[[], bool]

_PACKED_BY_MEDIA_TYPE = {
    "application/vnd.oci.image.layer.v1.tar": "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}
_LEVEL = 4  # a few percent larger than the usual 6, in half the time
_GZIP = 16 + zlib.MAX_WBITS  # with gzip's frame, which holds no time and no name
_BY = f"zlib {zlib.ZLIB_RUNTIME_VERSION}, level {_LEVEL}"
_PIECE = 1024 * 1024
_AT_ONCE = min(4, os.cpu_count() or 1)


class PackedImage:
    """`source` with its plain layers compressed into `folder`; `memory` knows what came of those of earlier builds."""

    def __init__(
        self,
        source: ImageSource,
        folder: Path,
        memory: DigestMemory,
        progress: Progress = lambda *_: None,
        stop: Stop = lambda: False,
    ) -> None:
        self._source = source
        self._folder = folder
        self._memory = memory
        self._progress = progress
        self._stop = stop
        self._lock = threading.Lock()
        self._manifest: Manifest | None = None
        self._plain: dict[str, Descriptor] = {}  # by the digest of the compressed form
        self._at_hand: dict[
            str, Descriptor
        ] = {}  # compressed forms in the folder, by the digest of the plain one
        self._done = 0
        self._telling = threading.Lock()

    @property
    def name(self) -> str:
        """What messages call it."""
        return self._source.name

    @property
    def home(self) -> tuple[str, str]:
        """No registry has the compressed layers for certain."""
        return "", ""

    def manifest(self, digest: str = "") -> Manifest:
        """The manifest over the compressed layers; whatever else is asked for by digest is the source's."""
        with self._lock:
            packed = self._manifest = self._manifest or self._made()
        return packed if digest in ("", packed.digest) else self._source.manifest(digest)

    def open_blob(self, digest: str, size: int, offset: int = 0) -> Generator[bytes, None, None]:
        """Reads a layer in its compressed form, made now where it was only remembered."""
        layer = self._plain.get(digest)
        if layer is None:
            yield from self._source.open_blob(digest, size, offset)
            return
        found = self._at_hand.get(layer.digest) or self._pack(layer)
        if found.digest != digest:
            raise IntegrityError(
                f"{self.name}: a layer that was {digest} is {found.digest} now that it is compressed again",
                fix="run again",
            )
        with self._path(layer).open("rb") as file:
            file.seek(offset)
            while piece := file.read(_PIECE):
                yield piece

    def _made(self) -> Manifest:
        image = resolve(self._source)
        plain = {one.digest: one for one in image.layers if one.media_type in _PACKED_BY_MEDIA_TYPE}
        if not plain:
            return image.manifest
        packed = self._packed(plain.values())
        self._plain = {packed[digest].digest: layer for digest, layer in plain.items()}
        entries = image.manifest.document["layers"]
        layers = [_entry(one, packed.get(one["digest"])) for one in entries]
        content = json.dumps(
            {**image.manifest.document, "layers": layers}, sort_keys=True, separators=(",", ":")
        )
        return Manifest.read(content.encode(), image.media_type, subject=self.name)

    def _packed(self, layers: Iterable[Descriptor]) -> dict[str, Descriptor]:
        """The compressed forms by the digests of the plain ones; large ones first, so that none is left over at the end."""
        known = {one.digest: self._remembered(one) for one in layers}
        new = sorted((one for one in layers if known[one.digest] is None), key=lambda one: -one.size)
        total = sum(one.size for one in new)
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="pack") as pool:
            made = dict(
                zip(
                    (one.digest for one in new),
                    pool.map(lambda one: self._pack(one, total), new),
                    strict=True,
                )
            )
        return {digest: one for digest, one in (known | made).items() if one is not None}

    def _remembered(self, layer: Descriptor) -> Descriptor | None:
        told = self._memory.recall(layer.digest)
        if not isinstance(told, dict) or told.get("by") != _BY:
            return None
        digest, size = told.get("digest"), told.get("size")
        return _compressed(layer, digest, size) if isinstance(digest, str) and isinstance(size, int) else None

    def _pack(self, layer: Descriptor, total: int = 0) -> Descriptor:
        """Compresses a layer into the folder, remembers and gives what came of it."""
        path = self._path(layer)
        written = path.with_suffix(f".{threading.get_ident()}")
        found, size = hashlib.sha256(), 0
        try:
            with written.open("wb") as file:
                for piece in self._deflated(layer, total):
                    file.write(piece)
                    found.update(piece)
                    size += len(piece)
            written.replace(path)
        except OSError as error:
            raise ReconcilerError(
                f"a layer cannot be compressed into {self._folder} ({error.strerror})",
                fix="make room there, or set TMPDIR",
            ) from None
        packed = _compressed(layer, f"sha256:{found.hexdigest()}", size)
        self._at_hand[layer.digest] = packed
        self._memory.keep(layer.digest, {"by": _BY, "digest": packed.digest, "size": size})
        return packed

    def _deflated(self, layer: Descriptor, total: int) -> Generator[bytes, None, None]:
        deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
        pieces = self._source.open_blob(layer.digest, layer.size)
        for piece in verified(pieces, layer.digest, layer.size, self.name):
            if self._stop():
                raise InterruptedRunError("stopped while compressing the image")
            self._tell(len(piece), total)
            yield deflate.compress(piece)
        yield deflate.flush()

    def _tell(self, count: int, total: int) -> None:
        if total:
            with self._telling:
                self._done += count
                self._progress(self._done, total, "compressing its layers")

    def _path(self, layer: Descriptor) -> Path:
        return self._folder / f"{layer.digest.replace(':', '-', 1)}.gz"


def packing(
    environ: Mapping[str, str], progress: Progress = lambda *_: None, stop: Stop = lambda: False
) -> Callable[[ImageSource, Path], PackedImage]:
    """What compresses images for this user."""
    memory = DigestMemory.of(environ, "layers")
    return lambda source, folder: PackedImage(source, folder, memory, progress, stop)


def _compressed(layer: Descriptor, digest: str, size: int) -> Descriptor:
    return replace(layer, media_type=_PACKED_BY_MEDIA_TYPE[layer.media_type], digest=digest, size=size)


def _entry(entry: dict[str, Any], packed: Descriptor | None) -> dict[str, Any]:
    """What a manifest says of a layer, with its compressed form in place of the plain one."""
    if packed is None:
        return entry
    return {**entry, "mediaType": packed.media_type, "digest": packed.digest, "size": packed.size}
