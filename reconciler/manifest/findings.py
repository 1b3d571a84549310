"""Collects what is wrong with a manifest, so that everything is said at once; suggests the nearest valid name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from reconciler.errors import ManifestError
from reconciler.model.diagnostic import Diagnostic, Severity, Source

# Looking for the nearest name costs a walk over all names: a manifest that is wrong everywhere gets no more hints than this.
_HINTS = 200
# Nobody reads more; a generated file that is wrong a hundred thousand times must not take all memory to say so.
MOST = 2000


class Findings:
    """Every finding of one reading, each said once."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, Diagnostic] = {}
        self._failed: set[str] = set()
        self._hints = _HINTS
        self._unsaid = 0

    @property
    def is_full(self) -> bool:
        """Whether there is so much wrong that no more is collected, only counted."""
        return len(self._found) >= MOST

    def error(self, code: str, summary: str, source: Source, *, fix: str = "", address: str = "") -> None:
        """Collects an error."""
        self.add(Diagnostic(Severity.ERROR, code, summary, fix, address, source))

    def warn(self, code: str, summary: str, source: Source, *, fix: str = "", address: str = "") -> None:
        """Collects a warning."""
        self.add(Diagnostic(Severity.WARNING, code, summary, fix, address, source))

    def add(self, finding: Diagnostic) -> None:
        """Collects a finding, unless it is known, or there are too many."""
        known = replace(
            finding, address=finding.address.partition("[")[0]
        )  # all instances have the same line
        if not self.is_full:
            self._found.setdefault(known, finding)
        elif known not in self._found:
            self._unsaid += 1
        if finding.severity is Severity.ERROR:
            self._failed.add(finding.address)

    def failed(self, address: str) -> bool:
        """Whether something is wrong with a resource."""
        return address in self._failed

    def broken(self) -> frozenset[str]:
        """The resources with which something is wrong so far."""
        return frozenset(self._failed)

    def fork(self) -> Findings:
        """The same findings, to which one environment adds its own."""
        twin = Findings()
        twin._found = dict(self._found)
        twin._failed = set(self._failed)
        twin._unsaid = self._unsaid
        return twin

    def join(self, other: Findings) -> None:
        """Takes over what another collected."""
        for finding in other._found.values():
            self.add(finding)
        self._unsaid = max(self._unsaid, other._unsaid)

    def did_you_mean(self, word: str, words: Iterable[str], form: Callable[[str], str] = str) -> str:
        """`did you mean X?`, or what there is where nothing is near."""
        known = sorted(words)
        if self._hints <= 0 or not known:
            return ""
        self._hints -= 1
        near = nearest(word, known)
        if near:
            return f"did you mean {form(near)}?"
        return f"there is {listed([form(one) for one in known])}"

    @property
    def errors(self) -> list[Diagnostic]:
        """The errors in the order of the file."""
        return [finding for finding in self.sorted() if finding.severity is Severity.ERROR]

    @property
    def warnings(self) -> tuple[Diagnostic, ...]:
        """The warnings in the order of the file."""
        return tuple(finding for finding in self.sorted() if finding.severity is Severity.WARNING)

    def sorted(self) -> list[Diagnostic]:
        """Everything in the order of the file."""
        found = sorted(self._found.values(), key=lambda one: (one.source, one.address, one.summary))
        if self._unsaid:
            summary = f"there are at least {self._unsaid} more mistakes"
            found.append(Diagnostic(Severity.ERROR, "E206", summary, "correct these first"))
        return found

    def raise_errors(self) -> None:
        """Raises ManifestError with all findings if one of them is an error."""
        errors = self.errors
        if errors:
            raise ManifestError(_told(errors), diagnostics=self.sorted())


def _told(errors: list[Diagnostic]) -> str:
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0]}{more}"


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of the words that looks most like it; "" where none does."""
    from difflib import get_close_matches

    if len(word) > 100:
        return ""
    return next(iter(get_close_matches(word, list(words), n=1, cutoff=0.6)), "")


def listed(words: Iterable[str], end: str = "and", most: int = 12) -> str:
    """`a, b and c`; the rest is counted where there are many."""
    known = list(words)
    if len(known) > most:
        known = [*known[:most], f"{len(known) - most} more"]
    if len(known) < 2:
        return "".join(known)
    return f"{', '.join(known[:-1])} {end} {known[-1]}"
