from __future__ import annotations

import pytest

from reconciler.storage.remote import claim


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if every holder were on another machine: nobody can tell whether its process is alive."""
    monkeypatch.setattr(claim, "this_place", lambda: "")
