"""A project with two environments, and a look into the registry behind it."""

from __future__ import annotations

from tests.clients.images import Image, image, layout_files, write_folder
from tests.harness import ACCOUNT, Project

MANIFEST = """\
version: 1   # of the format
project: shop

environments:
  staging: {}   # first
  # the real one
  production:
    protect: false

images:
  api: {archive: image}   # built elsewhere

applications:
  api: {image: "${images.api}", instances: 1, instance_type: basic}
"""


def put_image(project: Project, content: bytes) -> Image:
    """Puts an image where the manifest looks for its archive."""
    made = image(content)
    write_folder(project.folder / "image", layout_files(made))
    return made


def apply_image(project: Project, content: bytes, environment: str = "staging") -> str:
    """Deploys an image, and gives its digest."""
    made = put_image(project, content)
    project.apply("-e", environment)
    return made.top.digest


def tags(project: Project, repository: str = "shop-api") -> dict[str, str]:
    """What the registry has in a repository: digest by tag."""
    return {
        tag: str(one["digest"])
        for one in project.world("manifest")
        if one["repository"] == f"{ACCOUNT}/{repository}"
        for tag in one["tags"]
    }


def digests(project: Project, repository: str = "shop-api") -> set[str]:
    """The manifests in a repository, with or without a tag."""
    return {
        str(one["digest"])
        for one in project.world("manifest")
        if one["repository"] == f"{ACCOUNT}/{repository}"
    }
