"""Everything the house knows about jobs."""

from __future__ import annotations

from reconciler.kinds.job.handler import JobHandler

__all__ = ["JobHandler"]
