"""The Containers API as a whole: gathers its families and says what follows from what (reference 2).

Reads the Workers API's kind `namespace` (`id`, `class`, and `container`, None while the class is no container).
"""

from __future__ import annotations

from reconciler.emulator import application_state as state
from reconciler.emulator import applications, images, rollouts
from reconciler.emulator.routing import Routes
from reconciler.emulator.world import Settler, World

ROUTES: tuple[Routes, ...] = (applications.routes, rollouts.routes, images.routes)
SETTLERS: dict[str, Settler] = {
    state.APPLICATION: state.finish_deletion,
    rollouts.ROLLOUT: rollouts.advance,
}


def connect(world: World) -> None:
    """Registers what happens to applications when namespaces and settings change, and what is shown of them."""
    world.on_change("namespace", state.follow_namespace)
    world.on_settings.append(state.follow_settings)
    world.on_describe(state.APPLICATION, state.describe)
