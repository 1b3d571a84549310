"""The registry's operations on blobs: reading whole or in part, uploading at once, in chunks or by a mount.

Bytes go to disk as they come and are hashed on the way, in a thread, so that nobody else waits for them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

from reconciler.emulator import registry_store as store
from reconciler.emulator.answers import Headers, Raw
from reconciler.emulator.registry_access import Visit
from reconciler.emulator.registry_files import Upload
from reconciler.emulator.registry_manifest import DIGEST, RegistryError

_BATCH = 1024 * 1024
_CONTENT_RANGE = re.compile(r"(?:bytes )?(\d+)-(\d+)(?:/.*)?")
_RANGE = re.compile(r"bytes=(?:(\d+)-(\d*)|-(\d+))")


def get_blob(visit: Visit) -> Raw:
    """Sends a blob, or the one range of it that is asked for."""
    path = visit.files.content(visit.name)
    if not store.has_blob(visit.call.world, visit.repository, visit.name) or not path.exists():
        raise RegistryError("BLOB_UNKNOWN", f"{visit.repository} has no {visit.name}")
    size = path.stat().st_size
    first, last = _wanted(visit.call.headers.get("range", ""), size)
    headers: Headers = [
        ("content-type", "application/octet-stream"),
        ("content-length", str(last - first + 1)),
        ("accept-ranges", "bytes"),
        ("etag", f'"{visit.name}"'),
        ("docker-content-digest", visit.name),
    ]
    is_part = last - first + 1 < size
    if is_part:
        headers.append(("content-range", f"bytes {first}-{last}/{size}"))
    body: AsyncIterator[bytes] | bytes = b"" if visit.call.method == "HEAD" else _read(path, first, last)
    return Raw(206 if is_part else 200, body, headers)


def delete_blob(visit: Visit) -> Raw:
    """Takes a blob away from one repository."""
    if not store.remove_blob(visit.call.world, visit.repository, visit.name):
        raise RegistryError("BLOB_UNKNOWN", f"{visit.repository} has no {visit.name}")
    return Raw(202)


async def begin_upload(visit: Visit) -> Raw:
    """Opens an upload; with `digest` the body is all of it, and with `mount` perhaps none is needed."""
    if _is_mounted(visit):
        return _created(visit.repository, visit.call.one("mount"))
    upload = visit.files.begin_upload(visit.repository)
    digest = visit.call.one("digest")
    if not digest:
        return Raw(202, headers=_progress(upload))
    try:
        return await _finish(visit, upload, digest)
    except ConnectionResetError:
        visit.files.cancel_upload(upload)
        raise


def upload_status(visit: Visit) -> Raw:
    """Says how far an upload is, for a client that wants to go on with it."""
    return Raw(204, headers=_progress(_upload(visit)))


async def continue_upload(visit: Visit) -> Raw:
    """Adds a chunk, which must begin where the last one ended."""
    upload = _upload(visit)
    _demand_next(visit, upload)
    await _receive(visit, upload)
    return Raw(202, headers=_progress(upload))


async def finish_upload(visit: Visit) -> Raw:
    """Adds what may be left and checks the digest."""
    upload = _upload(visit)
    _demand_next(visit, upload)
    return await _finish(visit, upload, visit.call.one("digest"))


def cancel_upload(visit: Visit) -> Raw:
    """Throws away what has arrived."""
    visit.files.cancel_upload(_upload(visit))
    return Raw(204)


def _is_mounted(visit: Visit) -> bool:
    digest, source = visit.call.one("mount"), visit.call.one("from")
    is_allowed = bool(DIGEST.fullmatch(digest)) and store.account_of(source) == visit.account
    return is_allowed and store.mount_blob(visit.call.world, visit.repository, digest, source)


def _upload(visit: Visit) -> Upload:
    upload = visit.files.upload(visit.repository, visit.name)
    if upload is None:
        raise RegistryError("BLOB_UPLOAD_UNKNOWN", f"{visit.repository} has no upload {visit.name}")
    return upload


async def _finish(visit: Visit, upload: Upload, digest: str) -> Raw:
    await _receive(visit, upload)
    visit.files.finish_upload(upload, digest)
    store.add_blob(visit.call.world, upload.repository, digest, upload.size)
    return _created(upload.repository, digest)


async def _receive(visit: Visit, upload: Upload) -> None:
    """Writes a body as it comes; what has arrived of a broken one is kept, to be taken up again."""
    batch = bytearray()
    try:
        async for chunk in visit.call.stream():
            batch += chunk
            if len(batch) >= _BATCH:
                full, batch = batch, bytearray()
                await asyncio.to_thread(visit.files.append, upload, full)
    finally:
        visit.files.append(upload, batch)


def _created(repository: str, digest: str) -> Raw:
    location = ("location", f"/v2/{repository}/blobs/{digest}")
    return Raw(201, headers=[location, ("docker-content-digest", digest)])


def _progress(upload: Upload) -> Headers:
    return [
        ("location", f"/v2/{upload.repository}/blobs/uploads/{upload.name}"),
        ("range", f"0-{max(upload.size - 1, 0)}"),
        ("docker-upload-uuid", upload.name),
    ]


def _demand_next(visit: Visit, upload: Upload) -> None:
    announced = visit.call.headers.get("content-range")
    if announced is None:
        return
    found = _CONTENT_RANGE.fullmatch(announced)
    if found is None or int(found[1]) != upload.size:
        message = f"{announced} does not continue the {upload.size} bytes that have arrived"
        raise RegistryError("RANGE_INVALID", message, headers=_progress(upload))
    length = visit.call.headers.get("content-length")
    if length is not None and int(length) != int(found[2]) - int(found[1]) + 1:
        raise RegistryError("SIZE_INVALID", f"the range {announced} does not have {length} bytes")


def _wanted(header: str, size: int) -> tuple[int, int]:
    """The first and last byte to send; all of them where no single range is asked for."""
    found = _RANGE.fullmatch(header.strip())
    if found is None:
        return 0, size - 1
    if found[3]:
        first, last = max(size - int(found[3]), 0), size - 1
    else:
        first, last = int(found[1]), min(int(found[2] or size - 1), size - 1)
    if first >= size or first > last:
        message = f"{header} is not within {size} bytes"
        raise RegistryError("RANGE_INVALID", message, headers=[("content-range", f"bytes */{size}")])
    return first, last


async def _read(path: Path, first: int, last: int) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        left = last - first + 1
        while left > 0:
            chunk = await asyncio.to_thread(file.read, min(left, _BATCH))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk
