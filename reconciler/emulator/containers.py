"""The Containers API: gathers the operations of its families (reference 2)."""

from __future__ import annotations

from reconciler.emulator.routing import Routes
from reconciler.emulator.world import Settler, World

ROUTES: tuple[Routes, ...] = ()
SETTLERS: dict[str, Settler] = {}


def describe(world: World) -> None:
    """Registers what `GET /emulator/world` shows of applications beside themselves."""
