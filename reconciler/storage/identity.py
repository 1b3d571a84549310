"""Whose memory a state is: project, environment, target, account and API. Refused before anything is touched."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from reconciler.errors import StateMismatchError
from reconciler.frozen import frozen
from reconciler.model.state import State


@frozen
class Identity:
    """What a command is about. Empty texts are not known (a broken manifest) and not compared."""

    project: str = ""
    environment: str | None = None
    target: str = ""
    account_id: str = ""
    api_base_url: str = ""

    def check(self, state: State, where: str) -> None:
        """Raises StateMismatchError, naming both sides, for a state that is another's."""
        if state.environment != self.environment:
            raise _mismatch(where, "environment", _named(state.environment), _named(self.environment))
        for what in ("project", "target", "account_id"):
            recorded, present = getattr(state, what), getattr(self, what)
            if recorded and present and recorded != present:
                raise _mismatch(where, what.removesuffix("_id"), f'"{recorded}"', f'"{present}"')
        if not _same_api(state.api_base_url, self.api_base_url):
            raise _mismatch(where, "API base URL", f'"{state.api_base_url}"', f'"{self.api_base_url}"')


def _mismatch(where: str, what: str, recorded: str, present: str) -> StateMismatchError:
    return StateMismatchError(
        f"{where} was made for the {what} {recorded}, this command is about the {what} {present}",
        fix="use the settings it was made with, or point `state: {path: ...}` at another folder",
    )


def _named(environment: str | None) -> str:
    return '"default" (no environments)' if environment is None else f'"{environment}"'


def _same_api(recorded: str, present: str) -> bool:
    if not recorded or not present or recorded.rstrip("/") == present.rstrip("/"):
        return True
    return is_loopback(recorded) and is_loopback(present)


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine; there a stand-in gets a new port at each start (interface 7)."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
