from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.images_shop import MANIFEST, put_image
from tests.cli.running_shop import running_shop
from tests.harness import Project, project


@pytest.fixture
def two_environments(tmp_path: Path) -> Iterator[Project]:
    """A project with staging and production on one emulator, and an image in a folder."""
    with project(tmp_path) as made:
        made.write(MANIFEST)
        put_image(made, b"version one")
        yield made


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Project]:
    """A project that is applied: applications with instances, a deployment, jobs that have run."""
    with running_shop(tmp_path) as made:
        yield made
