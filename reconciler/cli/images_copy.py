"""`images copy`: an image from any registry or archive into Cloudflare's registry, its digest unchanged."""

from __future__ import annotations

import click

from reconciler.cli.account import Account, open_cloud
from reconciler.cli.image_sending import Target, is_archive, open_archive_at, open_reference, send, target_of
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import Common, common_options
from reconciler.clients.image_reference import ImageReference
from reconciler.clients.temporary_image import TemporaryImages
from reconciler.errors import ReconcilerError
from reconciler.model.stop import StopSignal


@click.command("copy")
@common_options
@click.argument("source")
@click.argument("target", metavar="[NAME[:TAG]]", required=False)
@click.option("--all-platforms", is_flag=True, help="Keep an index with all its platforms.")
def command(common: Common, source: str, target: str | None, all_platforms: bool) -> int:
    """Copy SOURCE (a name in any registry, or an archive) into Cloudflare's registry."""
    stop = StopSignal()
    with (
        open_cloud(common, stop=stop, may_push=True) as cloud,
        TemporaryImages() as images,
        interruptible(stop),
    ):
        account = cloud.only()
        wanted = target_of(account, target) if target else None
        if is_archive(source):
            opened, reference = open_archive_at(source, images, stop), None
        else:
            opened, reference = open_reference(account, source)
        send(
            account,
            opened,
            wanted or _same_name(account, source, reference),
            source_tag=reference.tag if reference else "",
            # A digest that was asked for is kept, also where it is that of an index.
            all_platforms=all_platforms or bool(reference and reference.digest),
            common=common,
            stop=stop,
        )
    return 0


def _same_name(account: Account, source: str, reference: ImageReference | None) -> Target:
    """The source's own name: `docker.io/library/redis` becomes `redis`."""
    if reference is None:
        raise ReconcilerError(f"{source} does not say what to call it", fix="say NAME or NAME:TAG after it")
    if reference.host == account.host:
        raise ReconcilerError(
            f"{source} is in {account.host} already", fix="say NAME or NAME:TAG to copy it within"
        )
    return Target(reference.repository.removeprefix("library/"))
