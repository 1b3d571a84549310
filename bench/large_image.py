"""An image of 1 GiB in ten layers, the same every time, put into a local registry layer by layer."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from random import Random
from typing import Any

from bench.local_registry import LocalRegistry

NAME = "large"
TAG = "1"
LAYERS = 10
SIZE = 2**30

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_PIECE = 2**20


def put_large_image(registry: LocalRegistry, folder: Path) -> str:
    """Puts the image there unless it is there already; gives its digest. `folder` holds a layer at a time."""
    if found := _digest_there(registry):
        return found
    folder.mkdir(parents=True, exist_ok=True)
    layers, diff_ids = [], []
    for number in range(LAYERS):
        packed, diff_id = _packed(folder, number)
        layers.append(_put_file(registry, packed))
        diff_ids.append(diff_id)
        packed.unlink()
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Cmd": ["/none"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    }
    described = _put_blob(registry, json.dumps(config).encode())
    manifest = {"schemaVersion": 2, "mediaType": _MANIFEST, "config": described, "layers": layers}
    _ask(registry, "PUT", f"manifests/{TAG}", json.dumps(manifest).encode(), _MANIFEST)
    return _digest_there(registry)


def _digest_there(registry: LocalRegistry) -> str:
    try:
        return str(_ask(registry, "HEAD", f"manifests/{TAG}")["Docker-Content-Digest"])
    except urllib.error.HTTPError:
        return ""


def _packed(folder: Path, number: int) -> tuple[Path, str]:
    """A layer with one file that cannot be made smaller, packed; and the digest of what is in it."""
    path, plain = folder / "layer.tar.gz", hashlib.sha256()
    random, size = Random(number), SIZE // LAYERS
    member = tarfile.TarInfo(f"layer-{number}")
    member.size = size
    with path.open("wb") as file, gzip.GzipFile("", "wb", 1, file, mtime=0) as packing:
        for piece in _tar_of(member, random):
            plain.update(piece)
            packing.write(piece)
    return path, f"sha256:{plain.hexdigest()}"


def _tar_of(member: tarfile.TarInfo, random: Random) -> Iterator[bytes]:
    yield member.tobuf()
    left = member.size
    while left:
        piece = random.randbytes(min(_PIECE, left))
        left -= len(piece)
        yield piece
    yield bytes(-member.size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)


def _put_file(registry: LocalRegistry, path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
        file.seek(0)
        return _put(registry, _LAYER, digest, path.stat().st_size, file)


def _put_blob(registry: LocalRegistry, content: bytes) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return _put(registry, _CONFIG, digest, len(content), io.BytesIO(content))


def _put(registry: LocalRegistry, media_type: str, digest: str, size: int, content: Any) -> dict[str, Any]:
    place = _ask(registry, "POST", "blobs/uploads/", b"")["Location"]
    sign = "&" if "?" in place else "?"
    headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
    request = urllib.request.Request(f"{place}{sign}digest={digest}", content, headers, method="PUT")
    urllib.request.urlopen(request).close()
    return {"mediaType": media_type, "digest": digest, "size": size}


def _ask(
    registry: LocalRegistry, method: str, path: str, body: bytes | None = None, media_type: str = ""
) -> Message:
    """The headers of the answer; HTTPError for a refusal."""
    headers = {"Accept": _MANIFEST, "Content-Type": media_type or "application/octet-stream"}
    url = f"http://{registry.host}/v2/{NAME}/{path}"
    with urllib.request.urlopen(urllib.request.Request(url, body, headers, method=method)) as answer:
        found: Message = answer.headers
        return found
