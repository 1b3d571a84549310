from __future__ import annotations

from tests.e2e.conftest import shop

__all__ = ["shop"]
