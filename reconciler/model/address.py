"""Where a resource stands: `<kind>.<key>` and, under `for_each`, `<kind>.<key>["<each>"]`.

An object that was replaced and is not deleted yet stands beside its successor: `<kind>.<key> (replaced <id>)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_ADDRESS = re.compile(
    r'(?P<kind>[a-z_]+)\.(?P<key>[a-z0-9][a-z0-9_-]*)(?:\["(?P<each>[A-Za-z0-9._-]+)"\])?'
    r"(?: \(replaced (?P<replaced>[^()]+)\))?"
)


class ResourceAddress(NamedTuple):
    """The key of a resource everywhere: in the manifest, the plan, the state and the messages.

    A tuple, since nothing is hashed and sorted as often.
    """

    kind: str
    key: str
    each: str = ""
    replaced: str = ""  # the id of an object whose successor has taken its place

    def __str__(self) -> str:
        text = f'{self.kind}.{self.key}["{self.each}"]' if self.each else f"{self.kind}.{self.key}"
        return f"{text} (replaced {self.replaced})" if self.replaced else text

    @property
    def successor(self) -> ResourceAddress:
        """The address that holds the object which took this one's place; itself where nothing was replaced."""
        return self._replace(replaced="") if self.replaced else self

    @property
    def block(self) -> ResourceAddress:
        """The address of the manifest's block, without the `for_each` part."""
        return ResourceAddress(self.kind, self.key) if self.each or self.replaced else self

    @classmethod
    def parse(cls, text: str, kinds_by_section: Mapping[str, str] | None = None) -> ResourceAddress:
        """Reads an address; a section's plural is understood where the sections are given.

        Raises ValueError with a sentence that says what an address looks like.
        """
        found = _ADDRESS.fullmatch(text.strip())
        if found is None:
            raise ValueError(
                f'"{text}" is no address; one looks like application.api or application.api["eu"]'
            )
        kind = found["kind"]
        return cls(
            (kinds_by_section or {}).get(kind, kind),
            found["key"],
            found["each"] or "",
            found["replaced"] or "",
        )
