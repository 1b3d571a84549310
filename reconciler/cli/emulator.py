"""Serves the local stand-in for Cloudflare over HTTP on loopback."""

from __future__ import annotations

import gc
from pathlib import Path

import click

from reconciler.errors import ReconcilerError


@click.command("emulator")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8787, show_default=True, help="0: any free one."
)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), help="Where its world is kept [memory]."
)
@click.option(
    "--missing-images",
    type=click.Choice(["refuse", "accept"]),
    default="refuse",
    show_default=True,
    help="What becomes of an application whose image was never pushed.",
)
@click.option("--token", metavar="T", help="Accept only this token [any].")
def command(port: int, data: Path | None, missing_images: str, token: str | None) -> int:
    """Serve the local stand-in for Cloudflare: API, registry and the pages that drive them."""
    from reconciler.emulator.server import serve

    gc.enable()  # it runs for days, and requests leave cycles behind
    try:
        serve(port, data, missing_images, token)
    except OSError as error:
        raise ReconcilerError(f"the emulator cannot start: {error.strerror or error}") from None
    return 0
