from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from reconciler.clients.image_archive import open_archive
from reconciler.clients.image_source import resolve
from reconciler.clients.sbom import make_sbom
from reconciler.clients.sbom_document import Sbom, read_sbom
from reconciler.clients.sbom_packages import Package
from reconciler.clients.sbom_syft import write_layout
from reconciler.errors import InterruptedRunError, ProviderError
from tests.clients.images import index
from tests.clients.sbom_images import python_image

NAME = "registry.example/shop"
SAYS = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {"timestamp": "now", "tools": {"components": [{"type": "application", "name": "syft"}]}},
    "components": [{"type": "library", "name": "x", "version": "v1", "purl": "pkg:golang/example.org/x@v1"}],
}
_SCRIPT = """\
#!{python}
import json, os, pathlib, sys
layout, out = sys.argv[1].removeprefix("oci-dir:"), sys.argv[3].removeprefix("cyclonedx-json=")
index = json.loads((pathlib.Path(layout) / "index.json").read_text())
assert (pathlib.Path(layout) / "blobs" / index["manifests"][0]["digest"].replace(":", "/")).exists()
assert os.environ["SYFT_CHECK_FOR_APP_UPDATE"] == "false"
{then}
"""


def syft(folder: Path, then: str) -> dict[str, str]:
    """Surroundings in which a syft is installed that does this."""
    program = folder / "syft"
    program.write_text(_SCRIPT.format(python=sys.executable, then=then))
    program.chmod(0o755)
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_where_syft_is_installed_it_is_asked(tmp_path: Path) -> None:
    environ = syft(tmp_path, f"pathlib.Path(out).write_text({json.dumps(SAYS)!r})")
    made = python_image(one="1.0")
    content = make_sbom(made, NAME, version="1", environ=environ)
    assert read_sbom(content) == Sbom("syft", frozenset({Package("golang", "example.org/x", "v1")}))
    assert json.loads(content)["metadata"]["component"]["version"] == made.top.digest
    assert "timestamp" not in json.loads(content)["metadata"]
    assert content == make_sbom(made, NAME, version="1", environ=environ)


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("sys.exit('out of luck')", "syft could not read test image: out of luck"),
        ("sys.exit(3)", "it ended with 3"),
        ("pass", "syft wrote no CycloneDX document"),
        ("pathlib.Path(out).write_text('[]')", "syft wrote no CycloneDX document"),
    ],
)
def test_what_goes_wrong_with_it_is_said(tmp_path: Path, then: str, said: str) -> None:
    with pytest.raises(ProviderError, match=said):
        make_sbom(python_image(one="1.0"), NAME, version="1", environ=syft(tmp_path, then))


def test_without_it_the_layers_are_read(tmp_path: Path) -> None:
    content = make_sbom(python_image(one="1.0"), NAME, version="1", environ={"PATH": str(tmp_path)})
    assert read_sbom(content) == Sbom("reconciler", frozenset({Package("pypi", "one", "1.0")}))


def test_of_several_platforms_the_one_that_runs_is_read(tmp_path: Path) -> None:
    made = index(("linux/amd64", python_image(one="1.0")))
    content = make_sbom(made, NAME, version="1", environ={"PATH": str(tmp_path)})
    assert len(read_sbom(content).packages) == 1
    assert json.loads(content)["metadata"]["component"]["version"] == made.top.digest


def test_the_layout_is_an_image_again(tmp_path: Path) -> None:
    made = python_image(one="1.0")
    write_layout(tmp_path / "image", made, resolve(made))
    assert resolve(open_archive(tmp_path / "image")).digest == made.top.digest
    with pytest.raises(InterruptedRunError):
        write_layout(tmp_path / "other", made, resolve(made), lambda: True)
