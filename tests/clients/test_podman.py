"""Podman's socket, which speaks Docker's language: an image is built there, and read out of it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from reconciler.clients.builder import DockerBuilder, DockerImages
from reconciler.clients.image_source import resolve
from reconciler.clients.temporary_image import TemporaryImages
from reconciler.errors import NotFoundError

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(shutil.which("podman") is None, reason="podman is not installed"),
]


@pytest.fixture(scope="module")
def podman() -> Iterator[dict[str, str]]:
    """The surroundings in which Podman answers, with a store of its own."""
    with TemporaryDirectory() as folder:  # a socket's path must be short
        words = ["podman", "--root", f"{folder}/root", "--runroot", f"{folder}/run"]
        words += ["--storage-driver", "vfs", "system", "service", "--time", "0", f"unix://{folder}/sock"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            for _ in range(200):
                if Path(folder, "sock").exists() or process.poll() is not None:
                    break
                time.sleep(0.05)
            if process.poll() is not None:
                pytest.skip("podman does not serve its socket here")
            yield {"DOCKER_HOST": f"unix://{folder}/sock", "PATH": "/nowhere", "HOME": folder}
            process.terminate()


def test_an_image_is_built_and_read_out(podman: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\nARG ROLE\nCOPY . /app/\nENV ROLE=$ROLE\n")
    (tmp_path / "a.txt").write_text("content")
    with TemporaryImages() as temporary:
        builder = DockerBuilder(temporary, podman)
        block = {"context": ".", "args": {"ROLE": "api"}}
        built = resolve(builder.build(block, tmp_path, lambda *_: None, lambda: False))
        assert built.platform == "linux/amd64"
        assert "ROLE=api" in built.config["config"]["Env"]
        with pytest.raises(NotFoundError, match="no such thing"):
            DockerImages(temporary, podman).open("nobody/made-this:1")
