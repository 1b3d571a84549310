"""Which permissions a token has, as far as the API can tell (reference 1.3).

A token cannot be asked what it may do without a permission of its own. So something is asked to change that is not there:
whoever may not change it is told so, whoever may is told that it is not there. Nothing is ever changed by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from reconciler.clients.answers import NO_ROUTE
from reconciler.errors import AuthenticationError, NotFoundError, ProviderError

NOBODY = "00000000-0000-0000-0000-000000000000"
NO_SCRIPT = "reconciler-asks-for-a-permission"


class PermissionsApi(Protocol):
    """The two changes that are asked for."""

    def update_application(self, application_id: str, body: dict[str, object]) -> object:
        """Changes an application."""

    def update_unversioned_settings(self, script: str, settings: dict[str, object]) -> object:
        """Changes what of a script has no versions."""


def lacking(api: PermissionsApi, permissions: Iterable[str]) -> Iterator[str]:
    """Those of the permissions that the API says the token lacks."""
    for permission in permissions:
        if may(api, permission) is False:
            yield permission


def may(api: PermissionsApi, permission: str) -> bool | None:
    """Whether the token has a permission; None where the API cannot tell."""
    try:
        match permission:
            case "Workers Containers Write":
                api.update_application(NOBODY, {})
            case "Workers Scripts Write":
                api.update_unversioned_settings(NO_SCRIPT, {})
            case _:
                return None
    except ProviderError as error:
        return _told_by(error)
    return True


def _told_by(refusal: ProviderError) -> bool | None:
    if refusal.code == NO_ROUTE:
        return None
    if isinstance(refusal, AuthenticationError):
        return False
    return True if isinstance(refusal, NotFoundError) else None
