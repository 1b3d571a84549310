"""Keeps the registry's bytes: finished content by its hash, and uploads while they grow.

Which repository may read what is the index's business (`registry_index.py`).
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import uuid
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.emulator.registry_manifest import RegistryError, hexadecimal_of
from reconciler.emulator.world import World

_READ_SIZE = 1024 * 1024
_LENGTH_OF_NAME = 32
_FILES: weakref.WeakKeyDictionary[World, RegistryFiles] = weakref.WeakKeyDictionary()


@dataclass(slots=True)
class Upload:
    """A blob on its way in: the file it grows in, how much has arrived, and the hash of that."""

    name: str
    repository: str
    path: Path
    size: int
    sha256: Any


class RegistryFiles:
    """Content and uploads in a folder, or in a temporary one that goes away with this object.

    Content appears whole or not at all, so a process that is killed leaves nothing half written;
    an upload can be taken up again where it stopped, even by another process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.mkdtemp(prefix="registry-"))
        self._uploads: dict[str, Upload] = {}
        if folder is None:
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        for path in (self._folder, self._folder / "content", self._folder / "uploads"):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def content(self, digest: str) -> Path:
        """The file that holds, or would hold, the bytes with this digest."""
        return self._folder / "content" / hexadecimal_of(digest)

    def write(self, digest: str, content: bytes) -> None:
        """Keeps bytes whose digest is known."""
        handle, temporary = tempfile.mkstemp(dir=self._folder / "uploads")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).replace(self.content(digest))

    def begin_upload(self, repository: str) -> Upload:
        """Opens an empty upload for a repository."""
        name = uuid.uuid4().hex
        path = self._upload_path(repository, name)
        path.touch(mode=0o600)
        self._uploads[name] = Upload(name, repository, path, 0, hashlib.sha256())
        return self._uploads[name]

    def upload(self, repository: str, name: str) -> Upload | None:
        """Finds a repository's upload; one that an earlier process began is read again for its hash."""
        path = self._upload_path(repository, name)
        if len(name) != _LENGTH_OF_NAME or not name.isalnum() or not path.exists():
            return None
        if name not in self._uploads:
            self._uploads[name] = Upload(name, repository, path, path.stat().st_size, _hash_of(path))
        return self._uploads[name]

    def append(self, upload: Upload, chunk: bytes | bytearray) -> None:
        """Adds bytes to an upload; blocks, so a server calls it in a thread."""
        with upload.path.open("ab") as file:
            file.write(chunk)
        upload.sha256.update(chunk)
        upload.size += len(chunk)

    def finish_upload(self, upload: Upload, digest: str) -> None:
        """Turns an upload into content; one whose bytes have another digest is refused and forgotten."""
        found = f"sha256:{upload.sha256.hexdigest()}"
        if found != digest:
            self.cancel_upload(upload)
            raise RegistryError(
                "DIGEST_INVALID", f"the {upload.size} bytes received are {found}, not {digest}"
            )
        upload.path.replace(self.content(digest))
        self._uploads.pop(upload.name, None)

    def cancel_upload(self, upload: Upload) -> None:
        """Forgets an upload and what has arrived of it."""
        self._uploads.pop(upload.name, None)
        upload.path.unlink(missing_ok=True)

    def keep_only(self, digests: set[str]) -> None:
        """Removes the content that is none of these."""
        kept = {hexadecimal_of(digest) for digest in digests}
        for path in (self._folder / "content").iterdir():
            if path.name not in kept:
                path.unlink()

    def clear(self) -> None:
        """Removes everything."""
        for upload in list(self._uploads.values()):
            self.cancel_upload(upload)
        self.keep_only(set())

    def _upload_path(self, repository: str, name: str) -> Path:
        # The repository is part of the name, so that nobody goes on with another's upload.
        owner = hashlib.sha256(repository.encode()).hexdigest()[:16]
        return self._folder / "uploads" / f"{owner}-{name}"


def files_of(world: World) -> RegistryFiles:
    """The files that belong to a world: beside it on disk, or gone with it."""
    files = _FILES.get(world)
    if files is None:
        files = _FILES[world] = RegistryFiles(world.data / "registry" if world.data else None)
        world.on_clear.append(files.clear)
    return files


def _hash_of(path: Path) -> Any:
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_SIZE):
            sha256.update(chunk)
    return sha256
