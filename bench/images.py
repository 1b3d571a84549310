"""Small images: put into the stand-in's registry as a push would, or written as OCI layouts."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench.manifests import ACCOUNT
from bench.stand_in import StandIn

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_LAYER = "application/vnd.oci.image.layer.v1.tar"


def push_images(world: StandIn, names: Iterable[str]) -> None:
    """Puts an image of its own under each `repository:tag` of the account."""
    who = _credentials(world)
    for name in names:
        repository, _, tag = name.partition(":")
        base = f"/v2/{ACCOUNT}/{repository}"
        *blobs, manifest = _parts(name)
        for blob in blobs:
            _upload(world, base, blob, who)
        world.ask("PUT", f"{base}/manifests/{tag}", manifest, **who, **{"Content-Type": _MANIFEST})


def write_layout(folder: Path, name: str) -> None:
    """Writes an image as an OCI layout, the way a build tool hands it over."""
    parts = _parts(name)
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for part in parts:
        (blobs / _digest(part).removeprefix("sha256:")).write_bytes(part)
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    index = {"schemaVersion": 2, "manifests": [_described(_MANIFEST, parts[-1])]}
    (folder / "index.json").write_text(json.dumps(index))


def _parts(name: str) -> tuple[bytes, bytes, bytes]:
    """Configuration, layer and manifest of an image that differs by its name."""
    layer = _packed(name)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        "config": {"Env": [f"NAME={name}"]},
    }
    encoded = json.dumps(config).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": _described(_CONFIG, encoded),
        "layers": [_described(_LAYER, layer)],
    }
    return encoded, layer, json.dumps(manifest).encode()


def _packed(name: str) -> bytes:
    content = name.encode()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        member = tarfile.TarInfo("name")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def _credentials(world: StandIn) -> dict[str, str]:
    path = f"/client/v4/accounts/{ACCOUNT}/containers/registries/registry.cloudflare.com/credentials"
    wish = {"expiration_minutes": 60, "permissions": ["pull", "push"]}
    given = world.ask("POST", path, wish)["result"]
    pair = f"{given['username']}:{given['password']}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def _upload(world: StandIn, base: str, blob: bytes, who: Mapping[str, str]) -> None:
    begin = urllib.request.Request(f"{world.url}{base}/blobs/uploads/", b"", dict(who), method="POST")
    with urllib.request.urlopen(begin) as answer:
        location = answer.headers["Location"].removeprefix(world.url)
    sign = "&" if "?" in location else "?"
    headers = {**who, "Content-Type": "application/octet-stream"}
    world.ask("PUT", f"{location}{sign}digest={_digest(blob)}", blob, **headers)


def _described(media_type: str, blob: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": _digest(blob), "size": len(blob)}


def _digest(blob: bytes) -> str:
    return f"sha256:{hashlib.sha256(blob).hexdigest()}"
