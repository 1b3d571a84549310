from __future__ import annotations

from tests.clients.conftest import docker_registry
from tests.clients.test_docker_build import client, daemon

__all__ = ["client", "daemon", "docker_registry"]
