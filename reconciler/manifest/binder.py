"""A checked tree to a `Manifest`: keys become addresses, references become pointers, `for_each` becomes instances.

Knows the language, not one kind: each handler's `bind` says what its blocks mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.manifest.check import Checker
from reconciler.manifest.findings import Findings
from reconciler.manifest.instances import instances_of
from reconciler.manifest.joining import join
from reconciler.manifest.language import Language
from reconciler.manifest.moves import effective_moves, imported_ids
from reconciler.manifest.overlay import for_environment, rivals_of
from reconciler.manifest.reader import Document
from reconciler.manifest.resources import Binding, Draft
from reconciler.manifest.shape import ANYTHING, TEXT
from reconciler.manifest.site import Site
from reconciler.manifest.state_settings import check_state
from reconciler.manifest.substitution import Substitution
from reconciler.manifest.tree import child
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import Handler
from reconciler.model.kind import Kind
from reconciler.model.manifest import Inputs, Manifest, ManifestOutput
from reconciler.model.resource import Desired
from reconciler.model.value import Value

Handlers = Mapping[str, Handler]

_PUBLISHED = "an output must not hold a secret: outputs are printed, and kept in the state"


def bind_environment(
    document: Document,
    handlers: Handlers,
    checker: Checker,
    environment: str | None,
    inputs: Inputs,
    findings: Findings,
) -> Manifest:
    """The manifest of one environment; what is wrong with it is collected, and left out of the result."""
    kinds = {handler.kind.section: handler.kind for handler in handlers.values()}
    choices = {section: rivals_of(kind) for section, kind in kinds.items()}
    merged = for_environment(document.root, environment, choices)
    if environment is not None:
        checker.check_merged(merged, document.file, findings)
    language = Language(document, merged, environment, inputs, kinds, findings)
    language.scope.variables.check()
    account_id = language.scope.account_id(language.site)
    resources = _Resources(language, handlers, checker).bound(account_id)
    state = language.map("state")
    check_state(state, language.site)
    return Manifest(
        path=document.file,
        sha256=document.sha256,
        project=language.scope.project,
        environment=environment,
        account_id=account_id,
        resources=resources,
        outputs=_outputs(language),
        moved=effective_moves(language.entries("moved"), language.scope.declared, language.site),
        state=state,
        check=language.map("check"),
        dev=language.map("dev"),
        used=language.scope.used,
        warnings=findings.warnings,
    )


def _outputs(language: Language) -> Mapping[str, ManifestOutput]:
    block, declared = child(language.root, "outputs"), language.scope.declared
    site = Site(language.document.file, block, language.findings, no_secrets=_PUBLISHED)
    walk = Substitution(language.scope, site)
    values = walk.block(block, ANYTHING)
    for path, pointer in walk.unsaid:
        fix = f"say {declared.attributes_of(pointer)}"
        site.error(path, "E318", f"{pointer.expression} does not say which attribute is meant", fix)
    return {name: ManifestOutput(name, value, site.source((name,))) for name, value in values.items()}


class _Resources:
    """The resources of one environment on their way from blocks to what is wanted."""

    def __init__(self, language: Language, handlers: Handlers, checker: Checker) -> None:
        self._language = language
        self._declared = language.scope.declared
        self._handlers = handlers
        self._checker = checker

    def bound(self, account_id: Value) -> Mapping[ResourceAddress, Desired]:
        """Every resource, its slots filled by the others."""
        language = self._language
        self._expand()
        binding = Binding(
            language.scope,
            self._checker,
            language.naming(),
            language.document.file,
            account_id,
            child(language.root, "defaults"),
        )
        drafts = {draft.party.address: draft for draft in self._drafts(binding)}
        join({address: draft.party for address, draft in drafts.items()}, self._declared)
        imports = imported_ids(
            language.entries("imports"),
            self._declared,
            language.site,
            lambda entry: language.value(entry, "id", TEXT),
            language.elsewhere(),
        )
        protect = language.protects()
        return {one: draft.desired(imports.get(one, ""), protect=protect) for one, draft in drafts.items()}

    def _expand(self) -> None:
        """Works out all instances first, so that references to them can be told right from wrong."""
        broken = self._language.findings.broken()
        for section, blocks in self._declared.blocks.items():
            kind = self._declared.kinds[section]
            for key, block in blocks.items():
                if block.get("for_each") is not None:
                    address = f"{kind.name}.{key}"
                    shape = self._checker.shape(kind).member("for_each")
                    known = address not in broken
                    self._declared.instances[section, key] = (
                        instances_of(block, address, shape, self._language) if known else None
                    )

    def _drafts(self, binding: Binding) -> Iterator[Draft]:
        broken = self._language.findings.broken()
        for handler in self._handlers.values():
            kind = handler.kind
            for key in self._declared.blocks[kind.section]:
                is_broken = f"{kind.name}.{key}" in broken
                for address, site in self._sites(binding, kind, key):
                    draft = binding.bind(address, handler, site, broken=is_broken)
                    if draft is not None:
                        yield draft

    def _sites(self, binding: Binding, kind: Kind, key: str) -> Iterator[tuple[ResourceAddress, Site]]:
        """Each resource that a block makes, with the place in which its references stand."""
        block, mark = (
            self._declared.blocks[kind.section][key],
            child(self._language.root, kind.section).marks[key],
        )
        whole = ResourceAddress(kind.name, key)
        place = (kind.section, key)
        if place not in self._declared.instances:
            yield whole, binding.site(whole, block, mark, None)
            return
        body = block.clone()
        body.drop("for_each")
        unknown = self._declared.instances[place] is None
        for address in [whole] if unknown else self._declared.addresses_of(kind, key):
            yield address, binding.site(address, body, mark, self._declared.each_of(address))
