"""`images sbom`: the packages of an image as a CycloneDX document, or the difference between two images."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler import __version__
from reconciler.cli.image_digests import ImageDigests
from reconciler.cli.interrupts import interruptible
from reconciler.cli.named_image import NamedImage, named_image
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer, note
from reconciler.clients.sbom_memory import SbomMemory
from reconciler.errors import NotFoundError, ReconcilerError
from reconciler.model.stop import StopSignal
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json
from reconciler.storage.disk import Disk, write_whole

if TYPE_CHECKING:
    from reconciler.clients.sbom_document import Sbom

_SIGNS = {"added": "+", "changed": "~", "removed": "-"}


@click.command("sbom")
@common_options
@click.argument("image")
@click.argument("other", required=False)
@click.option("--attach", is_flag=True, help="Keep it in the registry, attached to the image.")
@click.option("-o", "out", metavar="FILE", type=click.Path(path_type=Path), help="Write the document there.")
def command(common: Common, image: str, other: str | None, attach: bool, out: Path | None) -> int:
    """List the packages in IMAGE (a key, an address or a reference), or what differs in OTHER."""
    if other is not None and (attach or out):
        raise ReconcilerError("a difference is neither attached nor a document", fix="name one image")
    stop = StopSignal()
    with ImageDigests(common, may_push=attach) as digests, interruptible(stop):
        found = named_image(common, digests, image)
        if other is not None:
            _say_difference(common, found, named_image(common, digests, other), stop)
            return 0
        content = _made(common, found, stop)
        if out is not None:
            _write(out, content)
        if attach:
            _attach(common, found, content)
        elif out is None:
            answer(content.decode())
    return 0


def _made(common: Common, image: NamedImage, stop: StopSignal) -> bytes:
    """The document, which is remembered for plans."""
    from reconciler.clients.sbom import make_sbom
    from reconciler.clients.sbom_document import read_sbom

    if not common.json:
        note(f"reading {image}")
    content = make_sbom(image.source, image.name, version=__version__, environ=os.environ, stop=stop)
    SbomMemory.of(os.environ).keep(image.digest, read_sbom(content))
    return content


def _attach(common: Common, image: NamedImage, content: bytes) -> None:
    from reconciler.clients.sbom_attached import attach

    subject = image.registry.head_manifest(image.repository, image.digest)
    if subject is None:
        raise NotFoundError(f"{image} is not there any more", fix="run again")
    reference = image.registry.name(
        image.repository, attach(image.registry, image.repository, subject, content)
    )
    if common.json:
        answer(render_json({"image": str(image), "attached": reference}))
    else:
        answer(f"{harmless(reference)}\n")


def _say_difference(common: Common, before: NamedImage, after: NamedImage, stop: StopSignal) -> None:
    from reconciler.clients.sbom_difference import package_difference

    old, new = (_listed(common, image, stop) for image in (before, after))
    found = package_difference(old, new, most=len(old.packages) + len(new.packages))
    if common.json:
        answer(render_json({"before": str(before), "after": str(after), "packages": found}))
        return
    lines = [f"{sign} {_told(one)}" for key, sign in _SIGNS.items() for one in found[key]]
    counts = " ".join(f"{sign}{len(found[key])}" for key, sign in _SIGNS.items())
    answer("".join(f"{harmless(line)}\n" for line in (*lines, f"packages: {counts}")))


def _listed(common: Common, image: NamedImage, stop: StopSignal) -> Sbom:
    """What is in an image: as a list says that is remembered or attached, else read from it."""
    from reconciler.clients.sbom_attached import known_sbom
    from reconciler.clients.sbom_document import read_sbom

    known = known_sbom(image.registry, image.repository, image.digest, SbomMemory.of(os.environ))
    return read_sbom(_made(common, image, stop)) if known is None else known


def _told(package: dict[str, Any]) -> str:
    version = package.get("version") or f"{package.get('before')} -> {package.get('after')}"
    return f"{package['name']} {version} ({package['type']})"


def _write(path: Path, content: bytes) -> None:
    try:
        write_whole(Disk(), path, content)
    except OSError as error:
        raise ReconcilerError(
            f"{path} cannot be written: {error.strerror}", fix="name another place with -o"
        ) from None
