"""One resource of the manifest: its block substituted and checked, its options read, its kind's `bind` called."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Any

from reconciler.frozen import frozen
from reconciler.manifest.check import Checker
from reconciler.manifest.expression import refers
from reconciler.manifest.joining import Party
from reconciler.manifest.naming import Naming, check_name
from reconciler.manifest.options import OPTIONS, OptionReader, Options
from reconciler.manifest.references import Scope
from reconciler.manifest.site import Each, Site
from reconciler.manifest.substitution import Substitution
from reconciler.manifest.suspects import check_secret_rows, warn_of_suspects
from reconciler.manifest.tree import Block, Mark, Places, child
from reconciler.model.address import ResourceAddress
from reconciler.model.handler import BindContext, Bound, Handler
from reconciler.model.kind import Kind
from reconciler.model.resource import Desired
from reconciler.model.value import Value, pointers

_OPTION_KEYS = OPTIONS.keys()


_NO_OPTIONS = Options()


@frozen
class Draft:
    """A resource that is bound, but whose slots others may still fill."""

    party: Party
    options: Options
    default_name: str

    def desired(self, import_id: str, *, protect: bool) -> Desired:
        """The resource as the manifest wants it."""
        party, options, bound = self.party, self.options, self.party.bound
        name = options.name if options.name is not None else bound.name or self.default_name
        if options.external and options.identity and options.name is None:
            name = ""  # it has the name that its owner gave it
        return Desired(
            party.address,
            {**bound.attributes, **options.watched} if options.watched else bound.attributes,
            name=name,
            named_by_default=options.name is None,
            depends_on=(*options.depends_on, *bound.depends_on) if bound.depends_on else options.depends_on,
            adopt=options.adopt,
            external=options.external,
            import_id=options.identity or import_id,
            protect=protect if options.protect is None else options.protect,
            retain=options.retain,
            ignore_changes=options.ignore_changes,
            replace_on=options.replace_on,
            settings=bound.settings,
            uniqueness=bound.uniqueness.value if bound.uniqueness else "",
            lane=bound.lane,
            source=party.site.source(()),
            sources=Places(party.site.file, party.site.block),
        )


@frozen
class Binding:
    """Everything that binding one resource needs besides its block."""

    scope: Scope
    checker: Checker
    naming: Naming
    file: str
    account_id: Value
    defaults: Block = field(default_factory=Block)
    _worked_out: dict[str, Any] = field(default_factory=dict)
    _said: dict[tuple[ResourceAddress, str], Value] = field(default_factory=dict)

    def site(self, address: ResourceAddress, block: Block, mark: Mark, each: Each | None) -> Site:
        """The place in which the references of a resource stand."""
        kind = self.scope.declared.kinds_by_name[address.kind]
        return Site(self.file, block, self.scope.findings, mark, str(address), kind, each)

    def bind(
        self, address: ResourceAddress, handler: Handler, site: Site, *, broken: bool = False
    ) -> Draft | None:
        """The resource as its kind understands it; None where its block is too wrong for more than its references."""
        kind = handler.kind
        walk = Substitution(self.scope, site)
        values = walk.block(site.block, self.checker.shape(kind))
        sound = not broken
        for key in walk.changed & values.keys() if sound else ():
            sound &= self.checker.check_value(site, kind, key, values[key], walk.origins)
        if not sound:
            return None
        taken = {key: values.pop(key) for key in _OPTION_KEYS & values.keys()}
        options = OptionReader(taken, kind, self.scope.declared, site).read() if taken else _NO_OPTIONS
        if options.external:
            values["external"] = True
        check_secret_rows(values, kind, self.scope.declared, site)
        warn_of_suspects(site.block, kind, self.scope.declared, site)
        default = self.naming.default_name(kind, address)
        check_name(options.name or default, kind, site, by_default=options.name is None)
        bound = handler.bind(values, self._context(address, site, options, default))
        self._refuse_unsaid(walk, bound, site)
        return Draft(Party(address, kind, bound, site, _choices(kind, values)), options, default)

    def _context(self, address: ResourceAddress, site: Site, options: Options, default: str) -> BindContext:
        inputs, scope = self.scope.inputs, self.scope
        return BindContext(
            address,
            scope.project,
            scope.environment,
            self.account_id,
            options.name,
            default,
            inputs.registry_host,
            scope.declared.blocks,
            self._text_of,
            site.error,
            site.warn,
            options.external,
            self._defaulted(address, site.block),
            self._once,
        )

    def _defaulted(self, address: ResourceAddress, block: Block) -> frozenset[str]:
        """The keys of a block that stand under `defaults`, as their places tell."""
        if not self.defaults:
            return frozenset()
        kind = self.scope.declared.kinds_by_name[address.kind]
        marks = child(self.defaults, kind.section).marks
        return frozenset(key for key, mark in marks.items() if block.marks.get(key) == mark)

    def _once(self, name: str, work: Callable[[], Any]) -> Any:
        if name not in self._worked_out:
            self._worked_out[name] = work()
        return self._worked_out[name]

    def _text_of(self, address: ResourceAddress, key: str) -> Value:
        """What the block of another resource says under a key; thousands may ask the same."""
        asked = (address, key)
        if asked not in self._said:
            self._said[asked] = self._look_up(address, key)
        return self._said[asked]

    def _look_up(self, address: ResourceAddress, key: str) -> Value:
        declared = self.scope.declared
        block = declared.block_of(address)
        written = block.get(key) if block is not None else None
        if block is None or written is None or (type(written) is str and not refers(written)):
            return written
        kind = declared.kinds_by_name[address.kind]
        site = self.site(address, block, block.marks[key], declared.each_of(address))
        shape = self.checker.shape(kind).member(key)
        return Substitution(self.scope, site).at(block, key, shape, (key,))

    def _refuse_unsaid(self, walk: Substitution, bound: Bound, site: Site) -> None:
        """Collects references without attribute that the kind has made nothing of."""
        if not walk.unsaid:
            return
        left = {id(pointer) for pointer in pointers(bound.attributes) if not pointer.path}
        for path, pointer in walk.unsaid:
            if id(pointer) in left and path[0] not in _OPTION_KEYS:
                fix = f"say {self.scope.declared.attributes_of(pointer)}"
                site.error(path, "E318", f"{pointer.expression} does not say which attribute is meant", fix)


def _choices(kind: Kind, values: Mapping[str, Value]) -> dict[str, Value]:
    keys = {key for slot in kind.slots for key in (slot.chosen_by, slot.needed_by) if key}
    return {key: values[key] for key in keys if values.get(key) is not None}
