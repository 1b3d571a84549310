"""`images build`: the images that the manifest builds, found before they are built; with `--dev` in Docker, else in the registry.

Writes no state: what is built here is what the next plan finds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from reconciler.cli import workplace
from reconciler.cli.account import open_cloud
from reconciler.cli.build_orders import BuiltImage, DevImages, PushedImages
from reconciler.cli.interrupts import interruptible
from reconciler.cli.memories import all_memories
from reconciler.cli.options import Common, addresses, common_options, variables_from
from reconciler.cli.outline import NO_ACCOUNT
from reconciler.cli.saying import answer, note
from reconciler.cli.stores import state_folder
from reconciler.clients.builder import DockerBuilder
from reconciler.clients.temporary_image import TemporaryImages
from reconciler.engine.refresh import name_resources
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.kinds import SECTIONS
from reconciler.manifest import Inputs, peek, read_manifest
from reconciler.model.address import ResourceAddress
from reconciler.model.manifest import Manifest
from reconciler.model.resource import Desired
from reconciler.model.stop import StopSignal
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json


@click.command("build")
@common_options
@click.argument("images", nargs=-1, metavar="[IMAGE]...")
@click.option("--dev", is_flag=True, help="Into Docker, as cloudflare-dev/NAME:TAG, and no further.")
@click.option("--builder", metavar="NAME", default="", help="The builder of buildx that does it.")
@click.option("--var", "variables", metavar="K=V", multiple=True, help="Set a variable of the manifest.")
def command(
    common: Common, images: tuple[str, ...], dev: bool, builder: str, variables: tuple[str, ...]
) -> int:
    """Build the images of the manifest, or these, unless they are there already."""
    wish = _Wish(common, common.manifest_path(), images, variables)
    stop, built = StopSignal(), list[BuiltImage]()
    with TemporaryImages() as temporary, interruptible(stop):
        docker = DockerBuilder(temporary, os.environ, builder)
        if dev:
            manifest = wish.manifest(offline=True)
            built += _in_docker(wish, manifest, docker, stop)
        if not dev or manifest.dev.get("remote") is True:
            built += _in_registry(wish, docker, stop)
    _say(common, built)
    return 0


@frozen
class _Wish:
    """What was asked for on the command line."""

    common: Common
    path: Path
    images: tuple[str, ...]
    variables: tuple[str, ...]

    def manifest(self, host: str = "registry.cloudflare.com", *, offline: bool = False) -> Manifest:
        """The manifest of the environment; `offline`, what has nothing to do with a build may be missing."""
        common, known = self.common, peek(self.path).environments
        environment = common.environment_name()
        if known and environment is None:
            raise ReconcilerError(
                f"{self.path} has environments, and none was named", fix=f"say -e {' | '.join(known)}"
            )
        environ = dict(os.environ)
        if common.local or offline:
            environ.setdefault("CLOUDFLARE_ACCOUNT_ID", NO_ACCOUNT)
        inputs = Inputs(
            environ=environ,
            variables=variables_from(self.variables),
            git=workplace.GitFacts(self.path.parent),
            registry_host=host,
            offline=offline,
        )
        return read_manifest(self.path, workplace.binding_handlers(host), environment, inputs)


def _in_docker(
    wish: _Wish, manifest: Manifest, docker: DockerBuilder, stop: StopSignal
) -> Iterator[BuiltImage]:
    docker.own_folders = (state_folder(wish.common, manifest.state, wish.path),)
    images = DevImages(docker, wish.path.parent, stop, quiet=wish.common.json)
    for desired in _wanted(manifest, wish.images):
        yield _noted(images.bring(desired))


def _in_registry(wish: _Wish, docker: DockerBuilder, stop: StopSignal) -> Iterator[BuiltImage]:
    with open_cloud(wish.common, stop=stop, may_push=True) as cloud:
        manifest = wish.manifest(cloud.settings.registry_host)
        docker.own_folders = (state_folder(wish.common, manifest.state, wish.path),)
        wanted = _named(_wanted(manifest, wish.images), manifest, wish.common)
        account = cloud.of_environment(manifest.environment)
        images = PushedImages(account, docker, wish.path.parent, stop, quiet=wish.common.json)
        for desired in images.looked_at(wanted):
            yield _noted(images.bring(desired))


def _wanted(manifest: Manifest, named: tuple[str, ...]) -> list[Desired]:
    """The images that are built, in the manifest's order; raises ReconcilerError for one that is not."""
    every = {one.address: one for one in manifest.resources.values() if one.address.kind == "image"}
    chosen = [address for text in named for address in _addresses(text, every)] if named else list(every)
    found = [every[address] for address in dict.fromkeys(chosen) if named or _is_built(every[address])]
    for desired in found:
        if not _is_built(desired):
            fix = (
                "leave `digest` out"
                if desired.settings.get("pinned")
                else "`images push` and `copy` send others"
            )
            raise ReconcilerError(f"{desired.address} is not built here", fix=fix)
    if not found:
        raise ReconcilerError(f"{manifest.path} builds no image", fix="say `build` in one under `images`")
    return found


def _is_built(desired: Desired) -> bool:
    return desired.settings.get("source") == "build" and not desired.settings.get("pinned")


def _addresses(text: str, every: Mapping[ResourceAddress, Desired]) -> list[ResourceAddress]:
    """A key or an address; one of a `for_each` means all that it makes."""
    [address] = addresses((text if "." in text.partition("[")[0] else f"image.{text}",), SECTIONS)
    found = [one for one in every if one == address or (one.key == address.key and not address.each)]
    if address.kind != "image" or not found:
        there = f"there are {', '.join(map(str, every))}" if every else "the manifest has none"
        raise ReconcilerError(f"there is no image {address}", fix=there)
    return found


def _named(wanted: list[Desired], manifest: Manifest, common: Common) -> list[Desired]:
    """The images under the names in force: a default one stays what it was at the first apply."""
    memories = [one for one in all_memories(common) if one.environment == manifest.environment]
    priors = {address: prior for one in memories for address, prior in one.state.resources.items()}
    handlers = workplace.binding_handlers()
    return [*name_resources({one.address: one for one in wanted}, priors, handlers).values()]


def _noted(built: BuiltImage) -> BuiltImage:
    note(f"{built.address}  {'built' if built.is_new else 'found'}")
    return built


def _say(common: Common, built: list[BuiltImage]) -> None:
    if common.json:
        documents: list[dict[str, Any]] = [one.document() for one in built]
        answer(render_json({"images": documents}))
        return
    answer("".join(f"{harmless(one.reference)}\n" for one in built))
