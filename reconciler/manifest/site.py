"""The place where a reference or an attribute stands: whose block it is, and how to report on it."""

from __future__ import annotations

from reconciler.frozen import frozen
from reconciler.manifest.findings import Findings
from reconciler.manifest.tree import START, Block, Mark, mark_at, source_of
from reconciler.model.diagnostic import Source
from reconciler.model.kind import Attribute, Kind
from reconciler.model.value import Path, Unknown, Value


@frozen
class Each:
    """One instance of a `for_each`."""

    key: Value
    value: Value


@frozen
class Site:
    """A block of the manifest. `no_resources` and `no_secrets` say why none may be referred to here; "": they may."""

    file: str
    block: Block
    findings: Findings
    mark: Mark = START
    address: str = ""
    kind: Kind | None = None
    each: Each | None = None
    no_resources: str = ""
    no_secrets: str = ""

    def source(self, path: Path) -> Source:
        """Where an attribute of the block stands."""
        return source_of(self.file, mark_at(self.block, path, self.mark))

    def row(self, path: Path) -> Attribute | None:
        """What the kind declares about an attribute."""
        return self.kind.attribute(path) if self.kind and path else None

    def error(self, path: Path, code: str, summary: str, fix: str = "") -> None:
        """Collects an error at an attribute."""
        self.findings.error(code, summary, self.source(path), fix=fix, address=self.address)

    def warn(self, path: Path, code: str, summary: str, fix: str = "") -> None:
        """Collects a warning at an attribute."""
        self.findings.warn(code, summary, self.source(path), fix=fix, address=self.address)


@frozen
class Spot:
    """One attribute of a site, where a reference stands."""

    site: Site
    path: Path

    @property
    def row(self) -> Attribute | None:
        """What the kind declares about the attribute."""
        return self.site.row(self.path)

    def refuse(self, text: str, code: str, summary: str, fix: str = "") -> Unknown:
        """Collects an error about a reference, and gives what stands in its place."""
        self.site.error(self.path, code, summary, fix)
        return Unknown(None, text)
