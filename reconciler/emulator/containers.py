"""The Containers API as a whole: gathers its families and says what follows from what (reference 2).

Reads the Workers API's kind `namespace` (`id`, `class`, and `container`, None while the class is no container).
"""

from __future__ import annotations

from reconciler.emulator import (
    account,
    account_secrets,
    applications,
    deployments,
    images,
    instances,
    jobs,
    registries,
    rollouts,
    ssh_keys,
)
from reconciler.emulator import application_state as state
from reconciler.emulator.routing import Routes
from reconciler.emulator.world import Settler, World

FAMILIES = (
    applications,
    rollouts,
    instances,
    jobs,
    deployments,
    account_secrets,
    ssh_keys,
    registries,
    account,
    images,
)
ROUTES: tuple[Routes, ...] = tuple(family.routes for family in FAMILIES)
SETTLERS: dict[str, Settler] = {
    state.APPLICATION: state.finish_deletion,
    rollouts.ROLLOUT: rollouts.advance,
    jobs.JOB: jobs.advance,
    deployments.DEPLOYMENT: deployments.place,
}


def connect(world: World) -> None:
    """Registers what happens to applications when namespaces and settings change, and what is shown beside objects."""
    world.on_change("namespace", state.follow_namespace)
    world.on_settings.append(state.follow_settings)
    world.on_describe(state.APPLICATION, state.describe)
    world.on_describe(account_secrets.SECRET, account_secrets.describe)
