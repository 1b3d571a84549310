"""Lets `syft` look for packages, where it is installed: it is handed the image as a folder, and no login.

The folder is temporary. What it writes becomes a document like ours in `sbom_document`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.clients.child_process import run
from reconciler.clients.content_digest import verified
from reconciler.clients.sbom_attached import LARGEST_DOCUMENT
from reconciler.clients.sbom_document import finished
from reconciler.errors import InterruptedRunError, ProviderError

if TYPE_CHECKING:
    from reconciler.clients.image_manifest import Descriptor
    from reconciler.clients.image_source import ImageSource, ResolvedImage

_KEPT_LINES = 5

Stop = Callable[[], bool]


def find_syft(environ: Mapping[str, str]) -> str:
    """Where it is; empty where it is not installed."""
    return shutil.which("syft", path=environ.get("PATH")) or ""


def syft_document(
    program: str, source: ImageSource, image: ResolvedImage, name: str, environ: Mapping[str, str], stop: Stop
) -> bytes:
    """The document that syft makes of an image; ProviderError with its last words where it fails."""
    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder:
        layout, out = Path(folder) / "image", Path(folder) / "sbom.json"
        write_layout(layout, source, image, stop)
        words = [program, f"oci-dir:{layout}", "-o", f"cyclonedx-json={out}"]
        lines: deque[str] = deque(maxlen=_KEPT_LINES)
        quiet = {**environ, "SYFT_CHECK_FOR_APP_UPDATE": "false", "NO_COLOR": "1"}
        code = run(words, quiet, cwd=Path(folder), feed=(), heard=lines.append, stop=stop)
        if code:
            said = lines[-1] if lines else f"it ended with {code}"
            raise ProviderError(
                f"syft could not read {source.name}: {said}",
                details={"output": list(lines)},
                fix="look whether it is current, or take it off PATH",
            )
        return finished(_read(out), name, source.manifest().digest)


def write_layout(folder: Path, source: ImageSource, image: ResolvedImage, stop: Stop = lambda: False) -> None:
    """Writes an image as an OCI layout, each blob checked."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    for blob in image.manifest.blobs():
        _write_blob(blobs, source, blob, stop)
    (blobs / image.digest.partition(":")[2]).write_bytes(image.manifest.content)
    entry = {"mediaType": image.media_type, "digest": image.digest, "size": image.size}
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')


def _write_blob(folder: Path, source: ImageSource, blob: Descriptor, stop: Stop) -> None:
    pieces = source.open_blob(blob.digest, blob.size)
    with (folder / blob.digest.partition(":")[2]).open("wb") as file:
        for piece in verified(pieces, blob.digest, blob.size, source.name):
            if stop():
                raise InterruptedRunError("the reading was stopped", fix="run again")
            file.write(piece)


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_DOCUMENT:
            raise ValueError("too large")
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        document = None
    if not isinstance(document, dict) or document.get("bomFormat") != "CycloneDX":
        raise ProviderError("syft wrote no CycloneDX document", fix="look whether it is current")
    return document
