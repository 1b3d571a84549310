"""The Workers API: scripts, versions, namespaces and what else a container needs of it (reference 3)."""

from __future__ import annotations

from reconciler.emulator.routing import Routes
from reconciler.emulator.world import Settler

ROUTES: tuple[Routes, ...] = ()
SETTLERS: dict[str, Settler] = {}
