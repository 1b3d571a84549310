"""Says what to do about a refusal where a kind knows better than the general remedy; the words stay the service's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from reconciler.errors import ProviderError


@contextmanager
def explained(fixes: Mapping[str, str]) -> Iterator[None]:
    """Lets errors through, each with the fix for its constant."""
    try:
        yield
    except ProviderError as error:
        error.fix = fixes.get(error.code, error.fix)
        raise
