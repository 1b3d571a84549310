"""The list of packages of an image, by `syft` where it is installed, else from its layers. Where it goes is for others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from reconciler.clients.image_source import ImageSource, resolve
from reconciler.clients.sbom_document import document_of
from reconciler.clients.sbom_layers import read_contents
from reconciler.clients.sbom_syft import find_syft, syft_document


def make_sbom(
    source: ImageSource,
    name: str,
    *,
    version: str,
    environ: Mapping[str, str],
    stop: Callable[[], bool] = lambda: False,
) -> bytes:
    """The CycloneDX document about an image; `name` is that of its repository, `version` this tool's."""
    image = resolve(source)
    if program := find_syft(environ):
        return syft_document(program, source, image, name, environ, stop)
    contents = read_contents(source, image.layers, stop=stop)
    return document_of(contents, name, source.manifest().digest, version)
