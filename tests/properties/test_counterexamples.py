"""Stories that manifests by chance have come upon, reduced to what made them go wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.harness import project
from tests.kinds.fields.samples import ed25519
from tests.properties.manifests import apply_and_look_again, lay_out

HEAD = {"version": 1, "project": "law", "images": {"one": {"archive": "one"}}}


def placed(key: int, **more: Any) -> dict[str, Any]:
    """A deployment that somebody may log into with one key."""
    block = {"image": "${images.one}", "location": "sfo06", "ssh_public_key_ids": ["${ssh_public_keys.ops}"]}
    return {"ssh_public_keys": {"ops": {"public_key": ed25519(key)}}, "deployments": {"a": {**block, **more}}}


STORIES: dict[str, list[dict[str, Any]]] = {
    "a deployment replaced together with the key that it uses": [
        placed(1, ports={"web": {"port": 80}}),
        placed(2, ports={"web": {"port": 81}}),
    ],
}


@pytest.mark.parametrize("story", STORIES)
def test_what_was_found_once_stays_found(tmp_path: Path, story: str) -> None:
    with project(tmp_path) as made:
        lay_out(made)
        for version in STORIES[story]:
            apply_and_look_again(made, {**HEAD, **version})
