"""Every operation of the generated client and of the public description has something that answers it (reference 2)."""

from __future__ import annotations

import re

import pytest

from tests.emulator.cloud import Cloud
from tests.operations import described_operations

MISSING = {("PUT", "/instance-groups/{namespace_id}")}
"""What `docs/emulator.md` says the stand-in does not imitate."""


@pytest.mark.parametrize(("method", "path"), [one for one in described_operations() if one not in MISSING])
def test_there_is_an_answer(cloud: Cloud, method: str, path: str) -> None:
    reply = cloud.ask(method, re.sub(r"{\w+}", "11111111-1111-4111-8111-111111111111", path.strip("/")), {})
    codes = [error["code"] for error in reply.json.get("errors", [])]
    assert reply.status != 405
    assert reply.status < 500
    assert 7003 not in codes
