"""Writes what is there and nobody's yet into the manifest (`import --write`), so that the plan after its import is empty.

A block that the manifest would refuse is written as somebody else's instead, or left out; what it would change is ignored.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from reconciler.cli.import_blocks import Entry, unused_workers
from reconciler.cli.import_strangers import find_strangers
from reconciler.cli.manifest_file import read_text, replace_text
from reconciler.cli.options import Common
from reconciler.cli.saying import note, say_diagnostics
from reconciler.cli.workplace import GitFacts, Workplace, binding_handlers, open_workplace
from reconciler.engine.graph import build_graph
from reconciler.errors import ManifestError, ReconcilerError
from reconciler.kinds import SECTIONS
from reconciler.kinds.shared.image_resolving import UNANSWERED
from reconciler.manifest import read_manifest, validate_manifest
from reconciler.manifest.adding import with_blocks
from reconciler.manifest.findings import Findings
from reconciler.manifest.reader import parse
from reconciler.manifest.tree import mark_at, source_of
from reconciler.model.address import ResourceAddress
from reconciler.model.change import Change
from reconciler.model.diagnostic import Diagnostic, Severity
from reconciler.model.manifest import Inputs, Manifest
from reconciler.model.resource import Desired
from reconciler.workflow import Wish, make_plan

_Said = tuple[str, str, str]


def write_what_is_there(common: Common) -> dict[ResourceAddress, str]:
    """Adds to the manifest what it does not name; gives the ids of what is to be imported under the new addresses."""
    path = common.manifest_path()
    text = read_text(path)
    # Held here too, so that nothing is written that could not be imported then.
    with open_workplace(common) as workplace, workplace.store.lock("import"):
        if workplace.state().intents:
            what = "an earlier run was cut off, and what it began is not anybody's yet"
            raise ReconcilerError(what, fix="`apply` settles that; then run again")
        handlers = workplace.house.handlers
        entries = [Entry(one, handlers[one.address.kind].kind) for one in find_strangers(workplace, text)]
        for one in unused_workers(entries):
            one.leave_out("nothing that is written here runs behind it, and its code cannot be read")
        writing = _Writing(workplace, path, text, entries)
        new = writing.settled() if entries else text
    _say_left_out(entries)
    added = [one for one in entries if not one.left_out]
    if not added:
        note("nothing to write: the manifest names everything that can be managed")
        return {}
    if read_text(path) != text:
        raise ReconcilerError(f"{path} was changed meanwhile; nothing was written", fix="run again")
    replace_text(path, new)
    _say_added(path, new, added, workplace.manifest.environment)
    say_diagnostics(writing.warnings(new))
    return {one.stranger.address: one.stranger.observed.identity for one in added if not one.is_external}


def with_ids(
    wanted: Mapping[ResourceAddress, Desired], ids: Mapping[ResourceAddress, str]
) -> dict[ResourceAddress, Desired]:
    """Resources to be found under their ids: several may have one name, and some have none."""
    return {
        address: replace(desired, import_id=ids[address]) if address in ids else desired
        for address, desired in wanted.items()
    }


class _Writing:
    """A manifest's text on its way to one that says all of what is there."""

    def __init__(self, workplace: Workplace, path: Path, text: str, entries: list[Entry]) -> None:
        self._workplace = workplace
        self._path = path
        self._text = text
        self._entries = entries
        self._handlers = binding_handlers(workplace.clients.registry_host)
        self._said_before = {_said(one) for one in self._findings(text)}

    def settled(self) -> str:
        """The text with every block that the manifest takes; the plan that follows an import changes nothing of them."""
        text = self._valid()
        while self._gave_way(text):
            text = self._valid()
        return text

    def _gave_way(self, text: str) -> bool:
        """Whether blocks are other ones now, for what a plan said of them."""
        try:
            changes = self._changes(text)
        except ManifestError as error:
            unanswered = [one for one in error.diagnostics if one.code == UNANSWERED]
            if unanswered:  # what is so today only decides nothing that is written down
                what = f"nothing was written: {unanswered[0].summary}"
                raise ReconcilerError(what, fix=unanswered[0].detail or "run again") from None
            if self._demoted(error.diagnostics):
                return True
            note(f"whether a plan would change anything is not known here: {error.diagnostics[0].summary}")
            return False
        written = [one for one in self._entries if one.stranger.address in changes]
        held = [one.hold(changes[one.stranger.address]) for one in written]
        return any(held)

    def _demoted(self, findings: Iterable[Diagnostic]) -> bool:
        """Whether something is written otherwise now, since this was said of it."""
        why = {one.address: one.summary for one in findings if one.severity is Severity.ERROR}
        refused = [entry for entry in self._entries if str(entry.stranger.address) in why]
        for entry in refused:
            entry.demote(why[str(entry.stranger.address)])
        return bool(refused)

    def warnings(self, text: str) -> list[Diagnostic]:
        """What is to be said about the new text and was not of the old one."""
        return [
            replace(one, source=replace(one.source, file=str(self._path)))
            for one in self._findings(text)
            if _said(one) not in self._said_before
        ]

    def _valid(self) -> str:
        """Takes back, step by step, what the manifest refuses."""
        while True:
            text = self._composed()
            errors = [one for one in self.warnings(text) if one.severity is Severity.ERROR]
            if not errors:
                return text
            if not self._demoted(errors):
                what = f"what is there cannot be written: {errors[0].summary}"
                raise ReconcilerError(what, fix=errors[0].detail)

    def _composed(self) -> str:
        """The text with every section's blocks."""
        text = self._text
        for section in SECTIONS:
            entries = [one for one in self._entries if one.stranger.section == section and not one.left_out]
            if entries:
                path = (*_place(self._workplace.manifest.environment), section)
                blocks = {one.stranger.address.key: one.block() for one in entries}
                notes = {(*path, one.stranger.address.key): one.comments() for one in entries}
                text = with_blocks(text, path, blocks, notes)
        return text

    def _findings(self, text: str) -> list[Diagnostic]:
        host = self._workplace.clients.registry_host
        with _file(text) as file:
            return validate_manifest(file, self._handlers, None, Inputs(offline=True, registry_host=host))

    def _changes(self, text: str) -> Mapping[ResourceAddress, Change]:
        """What a plan would change that takes over all that is new."""
        there = [one.stranger for one in self._entries if not one.left_out]
        ids = {one.address: one.observed.identity for one in there}
        wanted = _with_new_alone(self._manifest(text), ids)
        state = self._workplace.state()
        known = {address: one for address, one in state.resources.items() if address in wanted.resources}
        wish = Wish(fetch_secrets=False, thorough=True)
        made = make_plan(wanted, replace(state, resources=known), self._workplace.house, wish)
        return made.decided.changes

    def _manifest(self, text: str) -> Manifest:
        clients = self._workplace.clients
        inputs = Inputs(
            environ=clients.environ,
            git=GitFacts(self._path.parent),
            account_id=clients.account_id,
            registry_host=clients.registry_host,
        )
        with _file(text) as file:
            return read_manifest(file, self._handlers, self._workplace.manifest.environment, inputs)


def _with_new_alone(manifest: Manifest, ids: Mapping[ResourceAddress, str]) -> Manifest:
    """Only what is new and what that waits for; what is not somebody else's is taken over under its id."""
    own = {address: identity for address, identity in ids.items() if not manifest.resources[address].external}
    wanted = with_ids(manifest.resources, own)
    waits_for = build_graph(wanted).waits_for
    needed: set[ResourceAddress] = set()
    waiting = [*ids]
    while waiting:
        address = waiting.pop()
        if address in wanted and address not in needed:
            needed.add(address)
            waiting += waits_for[address]
    resources = {address: one for address, one in wanted.items() if address in needed}
    return replace(manifest, resources=resources, outputs={}, moved=())


@contextmanager
def _file(text: str) -> Iterator[Path]:
    """The text as a file, for as long as it is read."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "containers.yaml"
        file.write_text(text, encoding="utf-8", newline="")
        yield file


def _place(environment: str | None) -> tuple[str, ...]:
    return () if environment is None else ("environments", environment)


def _said(one: Diagnostic) -> _Said:
    return one.code, one.address, one.summary


def _say_added(path: Path, text: str, added: Iterable[Entry], environment: str | None) -> None:
    tree = parse(text, "", Findings())
    for one in added:
        stranger = one.stranger
        mark = mark_at(tree, (*_place(environment), stranger.section, stranger.address.key))
        manner = " as somebody else's" if one.is_external else ""
        remark = f": {one.comments()[0]}" if one.comments() else ""
        note(f"{path}:{source_of('', mark).line}  added {stranger.address}{manner}{remark}")


def _say_left_out(entries: Iterable[Entry]) -> None:
    reasons: dict[tuple[str, str], list[str]] = {}
    for one in entries:
        if one.left_out:
            called = one.stranger.observed.name or one.stranger.observed.identity
            reasons.setdefault((one.stranger.address.kind, one.left_out), []).append(called)
    for (kind, why), names in reasons.items():
        note(f"left out: {kind} {', '.join(names)}: {why}")
