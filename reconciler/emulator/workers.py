"""The Workers API: gathers the operations of its families, and lists namespaces (reference 3)."""

from __future__ import annotations

from reconciler.emulator import (
    script_removal,
    script_secrets,
    script_triggers,
    script_versions,
    scripts,
    secrets_store,
    zones,
)
from reconciler.emulator.answers import Answer, ok
from reconciler.emulator.call import Call
from reconciler.emulator.numbered_pages import ok_page
from reconciler.emulator.routing import Routes
from reconciler.emulator.world import Settler

NAMESPACES = Routes("/accounts/{account}/workers/durable_objects/namespaces")
ROUTES: tuple[Routes, ...] = (
    NAMESPACES,
    scripts.ROUTES,
    script_removal.ROUTES,
    script_secrets.ROUTES,
    script_triggers.ROUTES,
    script_versions.ROUTES,
    secrets_store.ROUTES,
    zones.ROUTES,
)
SETTLERS: dict[str, Settler] = {}


@NAMESPACES.add("GET", "")
def list_namespaces(call: Call) -> Answer:
    """The Durable Object namespaces of the account, in numbered pages (reference 3.7)."""
    shown = ("id", "name", "script", "class", "use_sqlite")
    namespaces = call.world.all("namespace", call.account)
    return ok_page(call, [{key: namespace[key] for key in shown} for namespace in namespaces])


@NAMESPACES.add("GET", "/{namespace}/objects")
def list_objects(_call: Call, namespace: str) -> Answer:  # noqa: ARG001 - the route's parameter
    """The objects of a namespace: none, since no code runs here."""
    return ok([], info={"count": 0, "cursor": ""})
