"""A checked tree to a `Manifest`: keys become addresses, references become pointers, `for_each` becomes instances.

Knows the language, not one kind: each handler's `bind` says what its blocks mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reconciler.manifest.check import Checker
from reconciler.manifest.declared import Declared
from reconciler.manifest.expression import parts_of
from reconciler.manifest.findings import Findings
from reconciler.manifest.joining import join
from reconciler.manifest.moves import effective_moves, imported_ids
from reconciler.manifest.naming import Naming, check_template
from reconciler.manifest.overlay import for_environment, rivals_of
from reconciler.manifest.reader import Document
from reconciler.manifest.references import Scope
from reconciler.manifest.resources import Binding, Draft
from reconciler.manifest.scalars import as_text
from reconciler.manifest.schema import PROJECT
from reconciler.manifest.shape import ANYTHING, FLAG, TEXT, Shape
from reconciler.manifest.site import Site
from reconciler.manifest.substitution import Substitution
from reconciler.manifest.tree import Block, Items, Mark, child
from reconciler.manifest.variables import Variables
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Handler, Kind
from reconciler.model.manifest import Inputs, Manifest, ManifestOutput
from reconciler.model.resource import Desired
from reconciler.model.value import Unknown, Value

Handlers = Mapping[str, Handler]

_ACCOUNT = "${env.CLOUDFLARE_ACCOUNT_ID}"
_ACCOUNT_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_EACH_KEY = re.compile(r"[A-Za-z0-9._-]+")
_EARLY = "this is known before planning, so it cannot wait for a resource"
_OPEN = "an output must not hold a secret: outputs are printed, and kept in the state"


def bind_environment(
    document: Document,
    handlers: Handlers,
    checker: Checker,
    environment: str | None,
    inputs: Inputs,
    findings: Findings,
) -> Manifest:
    """The manifest of one environment; what is wrong with it is collected, and left out of the result."""
    choices = {handler.kind.section: rivals_of(handler.kind) for handler in handlers.values()}
    merged = for_environment(document.root, environment, choices)
    if environment is not None:
        checker.check_merged(merged, document.file, findings)
    return _Binder(document, handlers, checker, environment, inputs, findings, merged).manifest()


class _Binder:
    """One environment on its way to a manifest."""

    def __init__(
        self,
        document: Document,
        handlers: Handlers,
        checker: Checker,
        environment: str | None,
        inputs: Inputs,
        findings: Findings,
        merged: Block,
    ) -> None:
        self.document = document
        self.handlers = handlers
        self.checker = checker
        self.environment = environment
        self.inputs = inputs
        self.findings = findings
        self.root = merged
        self.early = Site(document.file, merged, findings, early=_EARLY)
        self.broken: frozenset[str] = frozenset()
        kinds = {handler.kind.section: handler.kind for handler in handlers.values()}
        blocks = {section: _blocks(merged, section) for section in kinds}
        self.scope = Scope(
            inputs,
            findings,
            Declared(kinds, blocks),
            self._variables(),
            self._project(),
            environment,
            self._account_id,
            self._variable,
        )

    def manifest(self) -> Manifest:
        """Everything, in the order in which one part needs another."""
        self.scope.variables.check()
        self._expand()
        self.broken = self.findings.broken()
        account_id = self.scope.account_id(self.early)
        resources = self._resources(account_id)
        return Manifest(
            path=self.document.file,
            sha256=self.document.sha256,
            project=self.scope.project,
            environment=self.environment,
            account_id=account_id,
            resources=resources,
            outputs=self._outputs(),
            moved=effective_moves(_entries(self.root, "moved"), self.scope.declared, self.early),
            state=self._early_map("state"),
            check=self._early_map("check"),
            used=self.scope.used,
            warnings=self.findings.warnings,
        )

    # what comes before any resource

    def _project(self) -> str:
        """The project as it is spelled: `project: 007` is a text too."""
        project = self.document.root.get("project")
        if isinstance(project, str) or project is None:
            return project or ""
        text = (
            self.document.root.spelling("project") or as_text(project)
            if isinstance(project, int | float)
            else ""
        )
        if not re.fullmatch(PROJECT, text):
            self.early.error(
                ("project",), "E202", "project must be a text of lower-case letters, digits and dashes"
            )
        return text

    def _variables(self) -> Variables:
        chosen = child(child(child(self.document.root, "environments"), self.environment or ""), "variables")
        declared = child(self.document.root, "variables")
        return Variables(declared, chosen, self.inputs.variables, self.document.file, self.findings)

    def _variable(self, name: str) -> Value:
        return self.scope.variables.value(name, self._early_value)

    def _early_value(self, block: Block, key: str, shape: Shape) -> Value:
        """A value of the language itself, which no resource can be part of."""
        site = Site(self.document.file, block, self.findings, early=_EARLY)
        return Substitution(self.scope, site).at(block, key, shape, (key,))

    def _account_id(self) -> Value:
        if self.inputs.account_id:
            return self.inputs.account_id
        if self.root.get("account_id") is None:
            value = self.scope.joined(parts_of(_ACCOUNT), self.early, ("account_id",), _ACCOUNT)
        else:
            value = self._early_value(self.root, "account_id", TEXT)
        if isinstance(value, str) and not _ACCOUNT_ID.fullmatch(value):
            self.early.error(("account_id",), "E405", "this is no account id", "it is 32 letters and digits")
        return str(value) if isinstance(value, str) else value

    def _early_map(self, key: str) -> Mapping[str, Value]:
        value = self._early_value(self.root, key, ANYTHING)
        return value if isinstance(value, dict) else {}

    def _naming(self) -> Naming:
        template = self._early_value(self.root, "naming", TEXT)
        known = isinstance(template, str) and bool(template) and check_template(template, self.early)
        return Naming(self.scope.project, self.environment, template if known else "")

    # for_each

    def _expand(self) -> None:
        """Works out the instances of every `for_each`, so that references to them can be told right from wrong."""
        declared, broken = self.scope.declared, self.findings.broken()
        for section, blocks in declared.blocks.items():
            kind = declared.kinds[section]
            for key, block in blocks.items():
                if block.get("for_each") is None:
                    continue
                known = f"{kind.name}.{key}" not in broken
                declared.instances[section, key] = self._instances(kind, key, block) if known else None

    def _instances(self, kind: Kind, key: str, block: Block) -> Mapping[str, Value] | None:
        address = f"{kind.name}.{key}"
        site = Site(self.document.file, block, self.findings, address=address, early=_EARLY)
        shape = self.checker.shape(kind).member("for_each")
        value = Substitution(self.scope, site).at(block, "for_each", shape, ("for_each",))
        if isinstance(value, Unknown):
            return None
        if isinstance(value, list):
            return self._from_list(value, site)
        if isinstance(value, dict):
            return {name: value[name] for name in sorted(value) if _is_instance(name, site)}
        site.error(("for_each",), "E320", "for_each must come to a list of texts or a map")
        return {}

    def _from_list(self, names: list[Value], site: Site) -> Mapping[str, Value]:
        if any(isinstance(name, Unknown) for name in names):
            return None  # type: ignore[return-value]
        found: dict[str, Value] = {}
        for name in names:
            if name in found:
                site.error(("for_each",), "E320", f'for_each holds "{name}" twice', "keep one of them")
            elif _is_instance(name, site):
                found[name] = name
        return {name: found[name] for name in sorted(found)}

    # resources

    def _resources(self, account_id: Value) -> Mapping[ResourceAddress, Desired]:
        naming = self._naming()
        binding = Binding(self.scope, self.checker, naming, self.document.file, account_id)
        drafts = {draft.party.address: draft for draft in self._drafts(binding)}
        join({address: draft.party for address, draft in drafts.items()}, self.scope.declared)
        imports = imported_ids(
            _entries(self.root, "imports"),
            self.scope.declared,
            self.early,
            lambda entry: self._early_value(entry, "id", TEXT),
            self._elsewhere(),
        )
        protect = self._early_value(self.root, "protect", FLAG) is True
        return {
            address: draft.desired(imports.get(address, ""), protect=protect)
            for address, draft in drafts.items()
        }

    def _elsewhere(self) -> set[str]:
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

    def _drafts(self, binding: Binding) -> Iterator[Draft]:
        declared = self.scope.declared
        for handler in self.handlers.values():
            kind = handler.kind
            marks = child(self.root, kind.section).marks
            for key, block in declared.blocks[kind.section].items():
                broken = f"{kind.name}.{key}" in self.broken
                for site, address in self._sites(binding, kind, key, block, marks[key]):
                    draft = binding.bind(address, handler, site, broken=broken)
                    if draft is not None:
                        yield draft

    def _sites(
        self, binding: Binding, kind: Kind, key: str, block: Block, mark: Mark
    ) -> Iterator[tuple[Site, ResourceAddress]]:
        declared = self.scope.declared
        place = (kind.section, key)
        if place not in declared.instances:
            address = ResourceAddress(kind.name, key)
            yield binding.site(address, block, mark, None), address
            return
        body = block.clone()
        body.drop("for_each")
        unknown = declared.instances[place] is None
        addresses = [ResourceAddress(kind.name, key)] if unknown else declared.addresses_of(kind, key)
        for address in addresses:
            yield binding.site(address, body, mark, declared.each_of(address)), address

    # the rest

    def _outputs(self) -> Mapping[str, ManifestOutput]:
        block = child(self.root, "outputs")
        site = Site(self.document.file, block, self.findings, open=_OPEN)
        walk = Substitution(self.scope, site)
        values = walk.block(block, ANYTHING)
        for path, pointer in walk.unsaid:
            fix = f"say {self.scope.declared.attributes_of(pointer)}"
            site.error(path, "E318", f"{pointer.expression} does not say which attribute is meant", fix)
        return {name: ManifestOutput(name, value, site.source((name,))) for name, value in values.items()}


def _blocks(root: Block, section: str) -> dict[str, Block]:
    """The blocks of a section; one that is no map was said to be wrong, and counts as an empty one."""
    return {
        key: block if isinstance(block, Block) else Block()
        for key, block in child(root, section).items()
        if block is not None
    }


def _entries(root: Block, key: str) -> list[Block]:
    entries = root.get(key)
    return [entry for entry in entries if isinstance(entry, Block)] if isinstance(entries, Items) else []


def _is_instance(name: Value, site: Site) -> bool:
    if isinstance(name, str) and _EACH_KEY.fullmatch(name):
        return True
    fix = "letters, digits, `.`, `_` and `-` may stand in one"
    site.error(("for_each",), "E320", f"for_each: {str(name)[:80]!r} cannot be the key of an instance", fix)
    return False
