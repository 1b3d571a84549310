"""Keeps the registry's blobs, manifests and tags as files; HTTP, credentials and ledger are left to others.

content/<hex>                              bytes, once for all repositories
repositories/<name>/_blobs/<hex>           says that this repository may read those bytes
repositories/<name>/_manifests/<hex>       the manifest's media type
repositories/<name>/_tags/<tag>            a digest
repositories/<name>/_uploads/<id>          what has arrived of a blob so far
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import uuid
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.emulator.registry_manifest import DIGEST, Manifest, RegistryError, read_manifest

_WORD = r"[a-z0-9]+(?:(?:\.|__?|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_WORD}(?:/{_WORD})*")
_TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")
_UPLOAD = re.compile(r"[0-9a-f]{32}")
_LONGEST_REPOSITORY = 255
_READ_SIZE = 1024 * 1024


@dataclass(slots=True)
class Upload:
    """A blob on its way in: the file it grows in, how much has arrived, and the hash of that."""

    id: str
    repository: str
    path: Path
    size: int
    sha256: Any


class RegistryStore:
    """The registry's content in a folder, or in a temporary one that goes away with it.

    Every file appears whole or not at all, so a process that is killed leaves nothing half written;
    an upload can be taken up again where it stopped, even by another process.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or Path(tempfile.mkdtemp(prefix="registry-"))
        self._uploads: dict[str, Upload] = {}
        if folder is None:
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def blob(self, repository: str, digest: str) -> Path | None:
        """The file of a blob, if this repository has it."""
        hexadecimal = _hexadecimal(digest)
        link = self._in(repository, "_blobs", hexadecimal)
        content = self._content(hexadecimal)
        return content if link.exists() and content.exists() else None

    def mount_blob(self, repository: str, digest: str, source: str) -> bool:
        """Gives a repository a blob that another one has; False if that one has it not."""
        if self.blob(source, digest) is None:
            return False
        _write(self._in(repository, "_blobs", _hexadecimal(digest)), b"")
        return True

    def delete_blob(self, repository: str, digest: str) -> bool:
        """Takes a blob away from a repository; its bytes go with the next garbage collection."""
        return _removed(self._in(repository, "_blobs", _hexadecimal(digest)))

    def begin_upload(self, repository: str) -> Upload:
        """Opens an empty upload."""
        name = uuid.uuid4().hex
        path = self._in(repository, "_uploads", name)
        _make_folder(path.parent)
        path.touch(mode=0o600)
        self._uploads[name] = Upload(name, repository, path, 0, hashlib.sha256())
        return self._uploads[name]

    def upload(self, repository: str, name: str) -> Upload | None:
        """Finds an upload; one that an earlier process began is read again for its hash."""
        if not _UPLOAD.fullmatch(name):
            return None
        path = self._in(repository, "_uploads", name)
        if not path.exists():
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

    def finish_upload(self, upload: Upload, digest: str) -> bool:
        """Turns an upload into a blob; True if it is a new one. A wrong digest ends the upload."""
        hexadecimal = _hexadecimal(digest)
        if upload.sha256.hexdigest() != hexadecimal:
            self.cancel_upload(upload)
            found = f"sha256:{upload.sha256.hexdigest()}"
            raise RegistryError(
                "DIGEST_INVALID", f"the {upload.size} bytes received are {found}, not {digest}"
            )
        is_new = self.blob(upload.repository, digest) is None
        content = self._content(hexadecimal)
        _make_folder(content.parent)
        upload.path.replace(content)
        self._uploads.pop(upload.id, None)
        _write(self._in(upload.repository, "_blobs", hexadecimal), b"")
        return is_new

    def cancel_upload(self, upload: Upload) -> None:
        """Forgets an upload and what has arrived of it."""
        self._uploads.pop(upload.id, None)
        upload.path.unlink(missing_ok=True)

    def put_manifest(self, repository: str, reference: str, media_type: str, content: bytes) -> Manifest:
        """Keeps a manifest under its digest, and under the tag if one is given; its parts must be there."""
        manifest = read_manifest(content, media_type)
        if DIGEST.fullmatch(reference) and reference != manifest.digest:
            raise RegistryError("DIGEST_INVALID", f"the manifest is {manifest.digest}, not {reference}")
        tag = None if DIGEST.fullmatch(reference) else self._in(repository, "_tags", _checked_tag(reference))
        self._demand_parts(repository, manifest)
        hexadecimal = _hexadecimal(manifest.digest)
        _write(self._content(hexadecimal), content)
        _write(self._in(repository, "_manifests", hexadecimal), media_type.encode())
        if tag is not None:
            _write(tag, manifest.digest.encode())
        return manifest

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """Reads a manifest by tag or digest, if this repository has it."""
        digest = self.resolve(repository, reference)
        if digest is None:
            return None
        hexadecimal = _hexadecimal(digest)
        media_type = self._in(repository, "_manifests", hexadecimal).read_text()
        return read_manifest(self._content(hexadecimal).read_bytes(), media_type)

    def resolve(self, repository: str, reference: str) -> str | None:
        """The digest of the manifest that a tag or digest names, if this repository has it."""
        digest = reference
        if not DIGEST.fullmatch(reference):
            tag = self._in(repository, "_tags", _checked_tag(reference))
            if not tag.exists():
                return None
            digest = tag.read_text()
        return digest if self._in(repository, "_manifests", _hexadecimal(digest)).exists() else None

    def delete_manifest(self, repository: str, reference: str) -> list[str]:
        """Deletes a tag alone, or a digest with its tags; returns what is gone."""
        if not DIGEST.fullmatch(reference):
            is_gone = _removed(self._in(repository, "_tags", _checked_tag(reference)))
            return [reference] if is_gone else []
        if not _removed(self._in(repository, "_manifests", _hexadecimal(reference))):
            return []
        tags = [tag for tag, digest in self.tags(repository).items() if digest == reference]
        for tag in tags:
            _removed(self._in(repository, "_tags", tag))
        return [reference, *tags]

    def tags(self, repository: str) -> dict[str, str]:
        """The digest of every tag of a repository, by name."""
        return {tag.name: tag.read_text() for tag in _files(self._in(repository, "_tags"))}

    def digests(self, repository: str) -> list[str]:
        """The manifests of a repository."""
        return [f"sha256:{link.name}" for link in _files(self._in(repository, "_manifests"))]

    def referrers(self, repository: str, digest: str) -> list[Manifest]:
        """The manifests of a repository whose subject is this digest."""
        found = (self.manifest(repository, candidate) for candidate in self.digests(repository))
        return [manifest for manifest in found if manifest is not None and manifest.subject == digest]

    def repositories(self, account: str = "") -> list[str]:
        """The names of the repositories, of one account or of all, in order."""
        root = self._folder / "repositories"
        found = (str(path.relative_to(root).parent) for path in _marked(root / account))
        return sorted(set(found))

    def blobs(self, repository: str) -> dict[str, int]:
        """The size of every blob of a repository, by digest."""
        links = [link.name for link in _files(self._in(repository, "_blobs"))]
        return {f"sha256:{name}": self._content(name).stat().st_size for name in links}

    def collect_garbage(self, account: str) -> list[tuple[str, str]]:
        """Takes from each repository the blobs that none of its manifests names; returns both names."""
        collected = [(name, digest) for name in self.repositories(account) for digest in self._unused(name)]
        for repository, digest in collected:
            self.delete_blob(repository, digest)
        self._drop_unlinked_content()
        return collected

    def clear(self) -> None:
        """Empties the registry."""
        self._uploads.clear()
        for name in ("repositories", "content"):
            shutil.rmtree(self._folder / name, ignore_errors=True)

    def _unused(self, repository: str) -> list[str]:
        manifests = (self.manifest(repository, digest) for digest in self.digests(repository))
        used = {blob for manifest in manifests if manifest is not None for blob in manifest.blobs}
        return [digest for digest in self.blobs(repository) if digest not in used]

    def _drop_unlinked_content(self) -> None:
        linked = {
            link.name
            for repository in self.repositories()
            for kind in ("_blobs", "_manifests")
            for link in _files(self._in(repository, kind))
        }
        for content in _files(self._folder / "content"):
            if content.name not in linked:
                content.unlink()

    def _demand_parts(self, repository: str, manifest: Manifest) -> None:
        missing = [digest for digest in manifest.blobs if self.blob(repository, digest) is None]
        missing += [digest for digest in manifest.manifests if self.resolve(repository, digest) is None]
        if missing:
            raise RegistryError(
                "MANIFEST_BLOB_UNKNOWN", f"{repository} does not have {missing[0]}", {"digests": missing}
            )

    def _in(self, repository: str, *parts: str) -> Path:
        if len(repository) > _LONGEST_REPOSITORY or not _REPOSITORY.fullmatch(repository):
            raise RegistryError("NAME_INVALID", f"not the name of a repository: {repository[:80]}")
        return self._folder.joinpath("repositories", repository, *parts)

    def _content(self, hexadecimal: str) -> Path:
        return self._folder / "content" / hexadecimal


def _marked(root: Path) -> Iterator[Path]:
    """The folders of manifests, blobs and uploads anywhere below, without walking into them."""
    for folder, names, _ in os.walk(root):
        for name in [name for name in names if name.startswith("_")]:
            names.remove(name)
            yield Path(folder, name)


def _write(path: Path, content: bytes) -> None:
    _make_folder(path.parent)
    handle, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)


def _make_folder(path: Path) -> None:
    # mkdir(parents=True) would give the parents the umask's permissions.
    if not path.is_dir():
        _make_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _removed(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _hash_of(path: Path) -> Any:
    sha256 = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_READ_SIZE):
            sha256.update(chunk)
    return sha256


def _hexadecimal(digest: str) -> str:
    if not DIGEST.fullmatch(digest):
        raise RegistryError("DIGEST_INVALID", f"not a sha256 digest: {digest[:80]}")
    return digest.removeprefix("sha256:")


def _checked_tag(tag: str) -> str:
    if not _TAG.fullmatch(tag):
        raise RegistryError("MANIFEST_UNKNOWN", f"neither a tag nor a sha256 digest: {tag[:80]}")
    return tag
