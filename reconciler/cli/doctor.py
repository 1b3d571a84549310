"""Checks what a command would need: what works, what does not, and what to do."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import Common, common_options
from reconciler.cli.saying import answer
from reconciler.cli.stores import state_folder
from reconciler.cli.workplace import Workplace, open_workplace
from reconciler.errors import AuthenticationError, ReconcilerError
from reconciler.frozen import frozen
from reconciler.model.handler import CONTAINERS_WRITE, SCRIPTS_WRITE
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json

if TYPE_CHECKING:
    from reconciler.clients.cloudflare import Cloudflare

_LARGEST_SKEW = 60.0


@frozen
class Check:
    """One thing looked at; `needed` says whether a failure is an error."""

    name: str
    works: bool
    what: str
    fix: str = ""
    needed: bool = True


@click.command("doctor")
@common_options
def command(common: Common) -> int:
    """Check credentials, token scope, reachability, the state's folder, Docker and the clock."""
    checks = list(_examine(common))
    if common.json:
        answer(render_json({"checks": checks}))
    else:
        for check in checks:
            answer(harmless(_line(check)) + "\n")
    return 1 if any(check.needed and not check.works for check in checks) else 0


def _line(check: Check) -> str:
    mark = "ok  " if check.works else "FAIL" if check.needed else "none"
    return f"{mark}  {check.name}: {check.what}" + (f"; {check.fix}" if check.fix and not check.works else "")


def _examine(common: Common) -> Iterator[Check]:
    try:
        with open_workplace(common) as workplace:
            yield Check("manifest", True, f"{workplace.manifest.path} is valid")
            yield from _cloud(workplace)
            yield _tried("state", lambda: _state(workplace), "make the folder writable")
    except AuthenticationError as error:
        yield Check("credentials", False, error.message, error.fix)
    except ReconcilerError as error:
        yield Check("manifest", False, error.message, error.fix or "`reconciler validate` says more")
    yield _docker()


def _tried(name: str, attempt: Callable[[], str], fix: str = "", *, needed: bool = True) -> Check:
    try:
        return Check(name, True, attempt(), needed=needed)
    except ReconcilerError as error:
        return Check(name, False, error.message, error.fix or fix, needed)


def _cloud(workplace: Workplace) -> Iterator[Check]:
    from reconciler.clients.cloudflare import Cloudflare

    api = Cloudflare(workplace.transport, workplace.identity.account_id)
    target = "the local stand-in" if workplace.common.local else workplace.identity.api_base_url

    def containers() -> str:
        account = api.get_account()
        limits = account.get("limits", {})
        return f"{target} answers for containers; {limits.get('total_vcpu', '?')} vCPU may run at once"

    def workers() -> str:
        return f"{len(api.list_scripts())} scripts can be listed"

    permission = f"give the token {CONTAINERS_WRITE} and {SCRIPTS_WRITE}"
    yield _tried("containers", containers, permission)
    yield _tried("workers", workers, permission)
    if not workplace.common.local:
        yield from _permissions(workplace, api)
    yield _clock(workplace)


def _permissions(workplace: Workplace, api: Cloudflare) -> Iterator[Check]:
    """What applying this manifest may need of the token, as far as the API can tell."""
    from reconciler.clients.token_permissions import may

    kinds = {address.kind for address in workplace.manifest.resources}
    needed = {one for kind in kinds for one in workplace.house.handlers[kind].kind.permissions}
    for permission in sorted(needed):
        has = may(api, permission)
        what = {True: "the token has it", False: "the token lacks it", None: "the API cannot tell"}[has]
        fix = f"give the token {permission}, or set another one in CLOUDFLARE_API_TOKEN"
        yield Check(permission, has is not False, what, fix)


def _clock(workplace: Workplace) -> Check:
    skew = abs(workplace.transport.server_time() - time.time())
    if workplace.common.local or skew <= _LARGEST_SKEW:
        return Check("clock", True, f"{skew:.0f} s from the service's", needed=False)
    return Check(
        "clock",
        False,
        f"{skew:.0f} s from the service's",
        "set the clock; decisions use the service's time",
        False,
    )


def _state(workplace: Workplace) -> str:
    state = workplace.state()
    if workplace.store.backend == "local":
        folder = state_folder(workplace.common, workplace.manifest.state, Path(workplace.manifest.path))
        if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
            raise ReconcilerError(f"{folder} is not writable")
    return f"{workplace.store.describe()}, serial {state.serial}, {len(state.resources)} resources"


def _docker() -> Check:
    binary = os.environ.get("WRANGLER_DOCKER_BIN") or shutil.which("docker")
    fix = "only needed to build; copying and archives need none"
    if not binary:
        return Check("docker", False, "not installed", fix, needed=False)
    try:
        ended = subprocess.run(
            [binary, "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return Check("docker", False, f"{binary} does not answer", fix, needed=False)
    if ended.returncode:
        return Check("docker", False, "no daemon is running", fix, needed=False)
    return Check("docker", True, f"daemon {ended.stdout.strip()}", needed=False)
