from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.conftest import docker_registry
from tests.clients.images import image, layout_files, write_folder
from tests.e2e.shop import WORKER
from tests.harness import Project, project

__all__ = ["docker_registry", "shop"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    """A project with an image in a folder and a worker's code, on an emulator with a fast clock."""
    with project(tmp_path) as made:
        write_folder(tmp_path / "image", layout_files(image(b"layer one")))
        made.write(WORKER, "worker.js")
        made.environ["DB_PASSWORD"] = "s3cret-value"
        yield made
