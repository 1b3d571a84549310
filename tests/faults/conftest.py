from __future__ import annotations

from tests.e2e.conftest import docker_registry, shop

__all__ = ["docker_registry", "shop"]
