from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.images_shop import MANIFEST, put_image
from tests.harness import Project, project


@pytest.fixture
def two_environments(tmp_path: Path) -> Iterator[Project]:
    """A project with staging and production on one emulator, and an image in a folder."""
    with project(tmp_path) as made:
        made.write(MANIFEST)
        put_image(made, b"version one")
        yield made
