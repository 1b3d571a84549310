"""`images login`: lets the `docker` program into Cloudflare's registry. The password goes to it and nowhere else."""

from __future__ import annotations

import os
import subprocess
from urllib.parse import urlsplit

import click

from reconciler.cli.account import Account, Cloud, open_cloud
from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import note
from reconciler.clients.child_process import plain_lines
from reconciler.clients.docker_program import DockerProgram
from reconciler.errors import AuthenticationError, ReconcilerError, RefusedError

_SECONDS = 60


@click.command("login")
@common_options
@click.option("--pull-only", is_flag=True, help="Do not allow pushing.")
@click.option(
    "--minutes", type=click.IntRange(1, 60 * 24), default=15, help="How long the password is good for [15]."
)
def command(common: Common, pull_only: bool, minutes: int) -> int:
    """Log the `docker` program (WRANGLER_DOCKER_BIN) into Cloudflare's registry for a while."""
    if common.local:
        raise RefusedError(
            "the local stand-in ends with this command, so there is nothing to log in to",
            fix="start `reconciler emulator`, and use the settings it prints",
        )
    docker = DockerProgram.find(os.environ)
    if docker is None:
        raise ReconcilerError(
            "there is no `docker` program", fix="install it, or name another with WRANGLER_DOCKER_BIN"
        )
    permissions = ("pull",) if pull_only else ("pull", "push")
    with open_cloud(common) as cloud:
        host = _log_in(cloud, cloud.only(), docker, permissions, minutes)
    note(f"docker may use {host} for {minutes} minutes")
    return 0


def _log_in(
    cloud: Cloud, account: Account, docker: DockerProgram, permissions: tuple[str, ...], minutes: int
) -> str:
    """Mints a password and hands it over; gives the host that docker knows now."""
    minted = account.api.create_registry_credentials(account.host, permissions, minutes)
    username, password = str(minted.get("username") or ""), str(minted.get("password") or "")
    if not username or not password:
        raise AuthenticationError(f"the API gave no password for {account.host}")
    cloud.scrub.add(password)
    # A stand-in keeps the public name, but docker must be told where it really is.
    host = urlsplit(cloud.settings.registry_url).netloc
    _run(cloud, [docker.path, "login", "--password-stdin", "--username", username, host], password)
    return host


def _run(cloud: Cloud, words: list[str], password: str) -> None:
    try:
        ended = subprocess.run(
            words,
            input=password,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ReconcilerError(f"{words[0]} login did not end well: {cloud.scrub(str(error))}") from None
    if ended.returncode:
        said = " ".join(plain_lines(cloud.scrub(ended.stdout))[-3:])
        raise AuthenticationError(f"`docker login` failed: {said or f'exit code {ended.returncode}'}")
