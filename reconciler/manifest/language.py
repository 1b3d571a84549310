"""The keys of the language itself, which no resource is part of: project, account, naming, variables, state, check, dev."""

from __future__ import annotations

import re
from collections.abc import Mapping

from reconciler.manifest.declared import Declared
from reconciler.manifest.expression import parts_of
from reconciler.manifest.findings import Findings
from reconciler.manifest.naming import Naming, check_template
from reconciler.manifest.reader import Document
from reconciler.manifest.references import Scope
from reconciler.manifest.scalars import as_text
from reconciler.manifest.schema import PROJECT
from reconciler.manifest.shape import ANYTHING, FLAG, TEXT, Shape
from reconciler.manifest.site import Site, Spot
from reconciler.manifest.substitution import Substitution
from reconciler.manifest.tree import Block, Items, child
from reconciler.manifest.variables import Variables
from reconciler.model.kind import Kind
from reconciler.model.manifest import Inputs
from reconciler.model.value import Value

_ACCOUNT = "${env.CLOUDFLARE_ACCOUNT_ID}"
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EARLY = "this is known before planning, so it cannot wait for a resource"


class Language:
    """One environment of a manifest without its resources; `scope` is what its references may name."""

    def __init__(
        self,
        document: Document,
        merged: Block,
        environment: str | None,
        inputs: Inputs,
        kinds: Mapping[str, Kind],
        findings: Findings,
    ) -> None:
        self.document = document
        self.root = merged
        self.findings = findings
        self.site = self.site_of(merged)
        self.scope = Scope(
            inputs,
            findings,
            Declared(kinds, {section: _blocks(merged, section) for section in kinds}),
            self._variables(environment, inputs),
            self._project(),
            environment,
            self._account_id,
            lambda name: self.scope.variables.value(name, self.value),
        )

    def site_of(self, block: Block, address: str = "") -> Site:
        """A place in which no resource may be referred to."""
        return Site(self.document.file, block, self.findings, address=address, no_resources=_EARLY)

    def value(self, block: Block, key: str, shape: Shape) -> Value:
        """What stands under a key, known before planning; None where nothing does."""
        return Substitution(self.scope, self.site_of(block)).at(block, key, shape, (key,))

    def map(self, key: str) -> Mapping[str, Value]:
        """What stands under a key of the manifest, if that is a map."""
        value = self.value(self.root, key, ANYTHING)
        return value if isinstance(value, dict) else {}

    def entries(self, key: str) -> list[Block]:
        """The maps in a list of the manifest."""
        entries = self.root.get(key)
        return [entry for entry in entries if isinstance(entry, Block)] if isinstance(entries, Items) else []

    def naming(self) -> Naming:
        """How default names are made here."""
        template = self.value(self.root, "naming", TEXT)
        known = isinstance(template, str) and bool(template) and check_template(template, self.site)
        return Naming(self.scope.project, self.scope.environment, template if known else "")

    def protects(self) -> bool:
        """Whether the environment protects each of its resources."""
        return self.value(self.root, "protect", FLAG) is True

    def elsewhere(self) -> set[str]:
        """The blocks that the base or another environment declares, but not this one."""
        root, declared = self.document.root, self.scope.declared
        everywhere = [root, *child(root, "environments").values()]
        return {
            f"{kind.name}.{key}"
            for section, kind in declared.kinds.items()
            for holder in everywhere
            for key in child(holder, section)
            if key not in declared.blocks[section]
        }

    def _variables(self, environment: str | None, inputs: Inputs) -> Variables:
        root = self.document.root
        chosen = child(child(child(root, "environments"), environment or ""), "variables")
        return Variables(
            child(root, "variables"), chosen, inputs.variables, self.document.file, self.findings
        )

    def _project(self) -> str:
        """The project as it is spelled: `project: 007` is a text too."""
        root = self.document.root
        project = root.get("project")
        if isinstance(project, str) or project is None:
            return project or ""
        text = root.spelling("project") or (as_text(project) if isinstance(project, int | float) else "")
        if not re.fullmatch(PROJECT, text):
            summary = "project must be a text of lower-case letters, digits and dashes"
            self.site.error(("project",), "E202", summary)
        return text

    def _account_id(self) -> Value:
        if override := self.scope.inputs.account_id:
            return override
        value = self.value(self.root, "account_id", TEXT)
        if value is None:
            value = self.scope.joined(parts_of(_ACCOUNT), Spot(self.site, ("account_id",)), _ACCOUNT)
        if not isinstance(value, str):
            return value
        if not _ACCOUNT_ID.fullmatch(value):
            self.site.error(("account_id",), "E404", "this is no account id", "it is 32 letters and digits")
        return str(value)


def _blocks(root: Block, section: str) -> dict[str, Block]:
    """The blocks of a section; one that is no map was said to be wrong, and counts as an empty one."""
    return {
        key: block if isinstance(block, Block) else Block()
        for key, block in child(root, section).items()
        if block is not None
    }
