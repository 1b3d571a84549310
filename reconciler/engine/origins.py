"""Finds again what a recorded value came from: a state holds values, and no references. Pure.

A text in which an output of a resource stands that was used is taken for a reference to it, so that a resource that has to be
made anew gets the new id rather than the one of then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field

from reconciler.engine.diff import SECRET_KEY
from reconciler.frozen import frozen
from reconciler.model.handler import Handler
from reconciler.model.resource import Prior
from reconciler.model.value import Path, Ref, Secret, Template, Value, at_path, path_text, pointers

_SHORTEST = 7
"""An address (`1.2.3.4`) is the shortest text that a service makes up; shorter ones stand in other texts by chance."""


@frozen
class Origins:
    """What values of one resource can have come from: texts and secrets of the resources it used."""

    texts: Mapping[str, Ref] = field(default_factory=dict)
    secrets: Mapping[str, Ref] = field(default_factory=dict)  # by fingerprint

    @classmethod
    def of(cls, used: Iterable[Prior], handlers: Mapping[str, Handler]) -> Origins:
        """The origins that these resources are."""
        texts: dict[str, Ref] = {}
        secrets: dict[str, Ref] = {}
        for prior in used:
            for output in handlers[prior.address.kind].kind.outputs:
                if mark := fingerprint_of(prior.attributes.get(output.name)):
                    secrets.setdefault(mark, _ref(prior, (output.name,)))
                if output.textual:
                    continue
                for path, text in _texts(prior.outputs.get(output.name), (output.name,)):
                    texts.setdefault(text, _ref(prior, path))
        return cls(texts, secrets)

    def restored(self, value: Value, now: Value = None, declared: Value = None) -> Value:
        """The value with references where it had some.

        A secret that is none stays the one that is there now; where there is none, it may be what is declared today.
        """
        if isinstance(value, Mapping):
            if (mark := fingerprint_of(value)) is not None:
                return self.secrets.get(mark) or self._secret(mark, fingerprint_of(now), declared)
            return {
                key: self.restored(inner, at_path(now, (key,)), at_path(declared, (key,)))
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.restored(inner) for inner in value]
        return self._text(value) if isinstance(value, str) and self.texts else value

    def _secret(self, mark: str, now: str | None, declared: Value) -> Value:
        if now is None and isinstance(declared, Template):
            known = {ref.address for ref in self.secrets.values()}
            if known.issuperset(one.address for one in pointers(declared)):
                return declared
        return Secret(now or mark)

    def _text(self, value: str) -> Value:
        if whole := self.texts.get(value):
            return whole
        longest_first = sorted(self.texts, key=lambda text: (-len(text), text))
        found = re.split(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)", value)
        if len(found) == 1:
            return value
        parts = tuple(self.texts.get(part, part) for part in found if part)
        return Template(parts, "".join(_expression(part) for part in parts))


def fingerprint_of(value: Value) -> str | None:
    """The fingerprint that a recorded secret is; None for any other value."""
    if isinstance(value, Mapping) and set(value) == {SECRET_KEY}:
        return str(value[SECRET_KEY])
    return None


def _texts(value: Value, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, (*path, str(key)))
    elif isinstance(value, str) and len(value) >= _SHORTEST:
        yield path, value


def _ref(prior: Prior, path: Path) -> Ref:
    return Ref(prior.address, path, f"${{{prior.address}.{path_text(path)}}}")


def _expression(part: str | Ref) -> str:
    return part.expression if isinstance(part, Ref) else part
