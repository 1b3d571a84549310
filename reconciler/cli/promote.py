"""`promote`: the very digest that runs in one environment, written into the manifest for another.

Nothing is built, copied or deployed: the pull request shows the line, and the other environment's plan does the rest.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from reconciler.cli.account import Account, Cloud, open_cloud
from reconciler.cli.image_descent import descent_of
from reconciler.cli.memories import Memory, memory_of
from reconciler.cli.options import Common, addresses, common_options
from reconciler.cli.saying import answer, note
from reconciler.cli.workplace import binding_handlers
from reconciler.clients.image_reference import ImageReference, is_digest
from reconciler.errors import NotFoundError, ReconcilerError
from reconciler.frozen import frozen
from reconciler.kinds import SECTIONS
from reconciler.manifest import Inputs, peek, read_manifest
from reconciler.manifest.edit import with_text_at
from reconciler.model.address import ResourceAddress
from reconciler.model.resource import Desired, Prior
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json
from reconciler.storage.disk import Disk, write_whole


@frozen
class Promotion:
    """An image on its way from one environment to another."""

    image: ResourceAddress
    source: Memory
    target: str
    prior: Prior

    @property
    def digest(self) -> str:
        """What runs in the environment it comes from."""
        return str(self.prior.outputs.get("digest") or "")

    @property
    def path(self) -> tuple[str, ...]:
        """Where it is written."""
        return ("environments", self.target, "images", self.image.key, "digest")


@click.command("promote")
@common_options
@click.argument("image")
@click.option("--from", "source", metavar="ENV", required=True, help="Where it runs.")
@click.option("--to", "target", metavar="ENV", required=True, help="Where it is to run.")
def command(common: Common, image: str, source: str, target: str) -> int:
    """Write the digest of IMAGE that runs in one environment into the manifest for another."""
    promotion = _promotion(common, image, source, target)
    with open_cloud(common) as cloud:
        wanted = _wanted(cloud, promotion)
        _check_there(cloud.of_environment(target), wanted, promotion)
    changed = _write(common.manifest_path(), promotion)
    _say(common, promotion, changed)
    return 0


def _promotion(common: Common, image: str, source: str, target: str) -> Promotion:
    address = _image(image)
    if source == target:
        raise ReconcilerError(f"{address} runs in {source} already", fix="name two environments")
    memory = memory_of(common, source)
    known = peek(common.manifest_path()).environments
    if target not in known:
        raise ReconcilerError(
            f'the manifest has no environment "{target}"', fix=f"there are {', '.join(known)}"
        )
    prior = memory.state.resources.get(address)
    if prior is None:
        there = sorted(str(one) for one in memory.state.resources if one.kind == "image")
        fix = f"there are {', '.join(there)}" if there else f"`apply -e {source}` comes first"
        raise ReconcilerError(f"{address} was never applied to {source}", fix=fix)
    found = Promotion(address, memory, target, prior)
    if not is_digest(found.digest):
        raise ReconcilerError(
            f"what runs in {source} as {address} has no digest",
            fix="pin it there, or copy it with `push: true`",
        )
    return found


def _image(text: str) -> ResourceAddress:
    """IMAGE is a key or an address."""
    [address] = addresses((text if "." in text else f"image.{text}",), SECTIONS)
    if address.kind != "image":
        raise ReconcilerError(f"{address} is no image", fix="say the key of an image")
    if address.each:
        raise ReconcilerError(
            f"{address} comes from a for_each, of which no environment can pin one",
            fix="write the digests by hand, as a map that for_each takes",
        )
    return address


def _wanted(cloud: Cloud, promotion: Promotion) -> Desired:
    """The image as the other environment declares it. Raises ManifestError for a manifest with mistakes."""
    host = cloud.settings.registry_host
    inputs = Inputs(environ=os.environ, registry_host=host, offline=True)
    manifest = read_manifest(cloud.path, binding_handlers(host), promotion.target, inputs)
    wanted = manifest.resources.get(promotion.image)
    if wanted is None:
        raise ReconcilerError(f"{promotion.image} is not in the environment {promotion.target}")
    return wanted


def _check_there(account: Account, wanted: Desired, promotion: Promotion) -> None:
    """Makes sure that the digest can be deployed from where the other environment would take it."""
    reference = _reference(account, wanted, promotion)
    registry = account.registries(reference.host)
    if registry.head_manifest(reference.repository, reference.digest) is None:
        name = reference.repository.removeprefix(account.repository(""))
        raise NotFoundError(
            f"{reference} is not there",
            fix=f"bring it there with `images copy {promotion.prior.outputs.get('ref')} {name}`",
        )


def _reference(account: Account, wanted: Desired, promotion: Promotion) -> ImageReference:
    """The image in the registry of the other environment's account."""
    repository = str(promotion.prior.outputs.get("repository") or "")
    reference = replace(ImageReference.parse(repository.rpartition("://")[2]), digest=promotion.digest)
    if reference.host != account.host:
        return reference
    before = promotion.source.state.account_id
    name = reference.repository.removeprefix(f"{before}/")
    if name == promotion.prior.name and wanted.name:
        name = wanted.name
    return replace(reference, repository=account.repository(name))


def _write(path: Path, promotion: Promotion) -> bool:
    """Writes the digest; says whether anything changed."""
    file = path.resolve()
    before = file.read_bytes()
    mark = b"\xef\xbb\xbf" if before.startswith(b"\xef\xbb\xbf") else b""
    after = mark + with_text_at(before.decode("utf-8-sig"), promotion.path, promotion.digest).encode()
    if after == before:
        return False
    mode = file.stat().st_mode
    try:
        write_whole(Disk(), file, after)
        file.chmod(mode)
    except OSError as error:
        raise ReconcilerError(f"{path} cannot be written: {error.strerror}") from None
    return True


def _say(common: Common, promotion: Promotion, changed: bool) -> None:
    prior, source = promotion.prior, promotion.source
    origin = prior.facts.get("origin")
    origin = origin if isinstance(origin, dict) else {}
    descent = descent_of(prior)
    if common.json:
        document: dict[str, Any] = {
            "image": promotion.image,
            "from": source.name,
            "to": promotion.target,
            "digest": promotion.digest,
            "tag": prior.outputs.get("tag"),
            "origin": origin or None,
            "descent": dict(descent) or None,
            "applied_at": prior.applied_at,
            "applied_by": prior.applied_by,
            "changed": changed,
        }
        answer(render_json(document))
        return
    lines = [
        f"{promotion.image}  {promotion.digest}",
        f"  from     {source.name}, state #{source.state.serial}, applied {prior.applied_at} by {prior.applied_by}",
        *(
            [f"  origin   {origin['reference']}  {origin.get('digest') or ''}"]
            if origin.get("reference")
            else []
        ),
        *_built(descent),
        f"  to       {'.'.join(promotion.path)}" + ("" if changed else " (it stands there already)"),
    ]
    answer("".join(f"{harmless(line).rstrip()}\n" for line in lines))
    if changed:
        note(f"`reconciler plan -e {promotion.target}` shows what it comes to")


def _built(descent: Mapping[str, Any]) -> Iterator[str]:
    """The commit that it was built from, and where it came from if it was promoted before."""
    if descent.get("commit"):
        changed = " and changes that are not in it" if descent.get("dirty") else ""
        yield f"  commit   {descent['commit']}{changed}"
    if descent.get("environment"):
        yield f"  before   {descent['environment']}"
