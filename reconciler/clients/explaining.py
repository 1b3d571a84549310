"""Adds what to do to a refusal that the service words by a constant (reference 1.6); the words stay the service's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from reconciler.errors import ProviderError


@contextmanager
def explained(fixes: Mapping[str, str]) -> Iterator[None]:
    """Lets errors through, each with the fix for its constant unless it has one already."""
    try:
        yield
    except ProviderError as error:
        error.fix = error.fix or fixes.get(error.code, "")
        raise
