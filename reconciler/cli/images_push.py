"""`images push`: an archive, or an image of the Docker daemon's, into Cloudflare's registry."""

from __future__ import annotations

import click

from reconciler.cli.account import open_cloud
from reconciler.cli.image_sending import DAEMON, is_archive, open_archive_at, send, target_of
from reconciler.cli.interrupts import interruptible
from reconciler.cli.options import Common, common_options
from reconciler.clients.temporary_image import TemporaryImages
from reconciler.errors import ReconcilerError
from reconciler.model.stop import StopSignal


@click.command("push")
@common_options
@click.argument("archive")
@click.argument("target", metavar="NAME:TAG")
@click.option("--all-platforms", is_flag=True, help="Keep an index with all its platforms.")
def command(common: Common, archive: str, target: str, all_platforms: bool) -> int:
    """Send ARCHIVE (an OCI layout, what `docker save` wrote, or docker-daemon:NAME) into Cloudflare's registry."""
    stop = StopSignal()
    with (
        open_cloud(common, stop=stop, may_push=True) as cloud,
        TemporaryImages() as images,
        interruptible(stop),
    ):
        account = cloud.only()
        wanted = target_of(account, target)
        if not wanted.tag:
            raise ReconcilerError(f"{target} has no tag", fix=f"say which one is meant, as in {target}:1.2.3")
        if not is_archive(archive):
            raise ReconcilerError(
                f"there is no file or folder {archive}",
                fix=f"say {DAEMON}{archive} for an image of Docker's; `images copy` takes one from a registry",
            )
        source = open_archive_at(archive, images, stop)
        send(account, source, wanted, all_platforms=all_platforms, common=common, stop=stop)
    return 0
