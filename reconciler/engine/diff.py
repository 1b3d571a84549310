"""Desired, Prior and Observed to the paths that differ. Pure; what a kind declares about a path says what a difference means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.frozen import frozen
from reconciler.model.change import AttributeChange
from reconciler.model.kind import WATCHED, Attribute, Kind, Removal
from reconciler.model.resource import Desired, Observed, Prior
from reconciler.model.value import Attributes, Path, Secret, Unknown, Value, at_path

SECRET_KEY = "$secret"  # noqa: S105 - the marker under which a state holds a fingerprint

_PLAIN_ROW = Attribute("", {})
_MISSING: Value = object()


@frozen
class Drifted:
    """A managed path that somebody else changed since the last apply."""

    path: Path
    recorded: Value
    live: Value
    verdict: str  # revert, keep, accept


def row_for(kind: Kind, path: Path) -> Attribute:
    """What is declared about a path."""
    return kind.attribute(path) or _PLAIN_ROW


def recorded(value: Value) -> Value:
    """A value as the state keeps it: a secret becomes its fingerprint."""
    if isinstance(value, Secret):
        return {SECRET_KEY: value.fingerprint}
    if isinstance(value, Mapping):
        return {key: recorded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [recorded(inner) for inner in value]
    return value


def remembered(value: Value) -> Value:
    """A recorded value as it is compared and shown: a fingerprint becomes a Secret without its value."""
    if isinstance(value, Mapping):
        if set(value) == {SECRET_KEY}:
            return Secret(str(value[SECRET_KEY]))
        return {key: remembered(inner) for key, inner in value.items()}
    return value


def compare(
    kind: Kind,
    desired: Desired,
    wanted: Attributes,
    prior: Prior | None,
    observed: Observed,
    *,
    resend_secrets: bool = False,
) -> list[AttributeChange]:
    """Every path in which what is there, or was sent, differs from what is wanted.

    `resend_secrets`: a secret that cannot be compared counts as changed rather than as unchanged.
    """
    before = prior.attributes if prior else {}
    finding = _Comparison(kind, desired, before, observed.attributes, resend_secrets)
    return list(finding.changes(wanted))


def initial(kind: Kind, desired: Desired, wanted: Attributes) -> list[AttributeChange]:
    """Every path that a create sets; what rides along is added by whoever knows where to."""
    return [
        AttributeChange(path, None, value, source=desired.source_of(path))
        for path, value in leaves(kind, wanted)
        if path[0] not in WATCHED and not row_for(kind, path).rides_along
    ]


def leaves(kind: Kind, value: Value, path: Path = ()) -> Iterator[tuple[Path, Value]]:
    """Every innermost value with its path; an empty mapping is one where its being there says something."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from leaves(kind, inner, (*path, key))
    elif path and value is not None and (value != {} or _is_member(kind, path)):
        yield path, value


def _is_member(kind: Kind, path: Path) -> bool:
    """Whether a path is a member of a map whose members count even where they are empty."""
    row = row_for(kind, path)
    return row.by_name and len(path) == row.path.count(".") + 2


@dataclass(slots=True)
class _Comparison:
    kind: Kind
    desired: Desired
    prior: Attributes
    observed: Attributes
    resend_secrets: bool

    def changes(self, wanted: Attributes) -> Iterator[AttributeChange]:
        for key, want in wanted.items():
            if self.observed.get(key, _MISSING) == want and type(want) is not Secret:
                continue
            row = row_for(self.kind, (key,))
            if row.rides_along or (row.write_only and self.prior.get(key, _MISSING) == want):
                continue
            yield from self._walk((key,), want, self._before(row, (key,)))
        for key in self.prior:
            if key not in wanted:
                yield from self._removed((key,))

    def _before(self, row: Attribute, path: Path) -> Value:
        if row.write_only:
            return remembered(at_path(self.prior, path))
        return at_path(self.observed, path)

    def _walk(self, path: Path, want: Value, before: Value) -> Iterator[AttributeChange]:
        is_new_member = want == {} and before is None and _is_member(self.kind, path)
        if (
            isinstance(want, Mapping)
            and (before is None or isinstance(before, Mapping))
            and not is_new_member
        ):
            yield from self._walk_mapping(path, want, before or {})
        elif self._differs(want, before) and not self._not_watched_before(path, before):
            yield self._change(path, before, want)

    def _differs(self, want: Value, before: Value) -> bool:
        if self.resend_secrets and isinstance(want, Secret) and isinstance(before, Secret):
            return not comparable(want, before) or want.fingerprint != before.fingerprint
        return not same(want, before)

    def _walk_mapping(self, path: Path, want: Attributes, before: Attributes) -> Iterator[AttributeChange]:
        for key, inner in want.items():
            inner_path = (*path, key)
            row = row_for(self.kind, inner_path)
            there = remembered(at_path(self.prior, inner_path)) if row.write_only else before.get(key)
            yield from self._walk(inner_path, inner, there)
        managed = at_path(self.prior, path)
        if isinstance(managed, Mapping):
            for key in managed:
                if key not in want:
                    yield from self._removed((*path, key))

    def _not_watched_before(self, path: Path, before: Value) -> bool:
        # Beginning to watch something is no reason to roll out; only its next change is.
        return before is None and path[0] in WATCHED

    def _removed(self, path: Path) -> Iterator[AttributeChange]:
        """The manifest used to set this path and no longer does."""
        row = row_for(self.kind, path)
        if path[0] in WATCHED or row.computed or row.rides_along:
            return
        before = remembered(at_path(self.prior, path)) if row.write_only else at_path(self.observed, path)
        after = row.default if row.removal is Removal.RESET else None
        if before is None or same(after, before) or (before == {} and not _is_member(self.kind, path)):
            return
        if row.removal in (Removal.KEEP, Removal.LEAVE) and not self._replaced_on(path):
            return
        yield self._change(path, before, after, row.removal is Removal.REPLACE)

    def _change(self, path: Path, before: Value, after: Value, forced: bool = False) -> AttributeChange:
        row = row_for(self.kind, path)
        forces: bool | None = forced or row.replaces or self._replaced_on(path)
        if forces and isinstance(after, Unknown):
            forces = None
        return AttributeChange(path, before, after, forces, self.desired.source_of(path))

    def _replaced_on(self, path: Path) -> bool:
        return any(path[: len(prefix)] == prefix for prefix in self.desired.replace_on)


def same(want: Value, before: Value) -> bool:
    """Whether nothing has to be done; a secret that cannot be compared counts as unchanged."""
    if isinstance(want, Secret) and isinstance(before, Secret):
        return not comparable(want, before) or want.fingerprint == before.fingerprint
    return bool(want == before) and not isinstance(want, Unknown)


def comparable(one: Secret, other: Secret) -> bool:
    """Whether two fingerprints were made with the same key."""
    if not one.fingerprint or not other.fingerprint:
        return False
    return one.fingerprint.partition(":")[0] == other.fingerprint.partition(":")[0]


def kept_by_service(
    kind: Kind, desired: Desired, wanted: Attributes, prior: Prior | None, observed: Observed
) -> list[Path]:
    """Paths that the manifest dropped and the service keeps, since its API cannot unset them."""
    if prior is None:
        return []
    return [
        (key,)
        for key in prior.attributes
        if key not in wanted
        and row_for(kind, (key,)).removal is Removal.KEEP
        and (key,) not in desired.replace_on
        and (row_for(kind, (key,)).write_only or observed.attributes.get(key) is not None)
    ]


def newly_managed(
    kind: Kind, desired: Desired, wanted: Attributes, prior: Prior, observed: Observed
) -> list[AttributeChange]:
    """What is there as it is wanted, though no apply has set it: remembered, so that its leaving the manifest is noticed."""
    found = []
    for path, value in leaves(kind, wanted):
        row = row_for(kind, path)
        if row.computed or row.rides_along or row.write_only or path[0] in WATCHED or value == row.default:
            continue
        if any(path[: len(prefix)] == prefix for prefix in desired.ignore_changes):
            continue
        if (
            at_path(prior.attributes, path, _MISSING) is _MISSING
            and at_path(observed.attributes, path) == value
        ):
            source = desired.source_of(path)
            found.append(AttributeChange(path, value, value, source=source, state_only=True))
    return found


def without_ignored(
    kind: Kind, desired: Desired, wanted: Attributes, prior: Prior | None, observed: Observed
) -> Attributes:
    """What is wanted of something that exists, with ignored paths left as they are.

    What cannot be read back is left as it was sent; what never was is sent once.
    """
    for path in desired.ignore_changes:
        there = at_path(observed.attributes, path, _MISSING)
        if row_for(kind, path).write_only:
            sent = at_path(prior.attributes, path) if prior else None
            there = remembered(sent) if sent is not None else at_path(wanted, path, _MISSING)
        wanted = put(wanted, path, there)
    return wanted


def put(holder: Attributes, path: Path, value: Value) -> dict[str, Value]:
    """A copy in which `path` holds `value`, or is absent."""
    copy = dict(holder)
    head, rest = path[0], path[1:]
    if rest:
        inner = copy.get(head)
        copy[head] = put(inner if isinstance(inner, Mapping) else {}, rest, value)
        if copy[head] == {}:
            copy.pop(head)
    elif value is _MISSING or value is None:
        copy.pop(head, None)
    else:
        copy[head] = value
    return copy


def drifted(
    kind: Kind, prior: Prior, observed: Observed, wanted: Attributes | None, ignored: Sequence[Path] = ()
) -> list[Drifted]:
    """Managed paths whose live value is not the one of the last apply; `wanted` None: nothing is wanted any more."""
    found: list[Drifted] = []
    live = observed.attributes
    for key, value in prior.attributes.items():
        if live.get(key) == value or key in WATCHED or row_for(kind, (key,)).write_only:
            continue
        found.extend(_drifted_below(kind, (key,), value, live.get(key), wanted, ignored))
    return found


def _drifted_below(
    kind: Kind, path: Path, was: Value, now: Value, wanted: Attributes | None, ignored: Sequence[Path]
) -> Iterator[Drifted]:
    if row_for(kind, path).write_only:
        return
    if isinstance(was, Mapping) and (now is None or isinstance(now, Mapping)):
        for key, inner in was.items():
            yield from _drifted_below(kind, (*path, key), inner, (now or {}).get(key), wanted, ignored)
    elif was != now:
        yield Drifted(path, was, now, _verdict(path, now, wanted, ignored))


def _verdict(path: Path, live: Value, wanted: Attributes | None, ignored: Sequence[Path]) -> str:
    if any(path[: len(prefix)] == prefix for prefix in ignored):
        return "keep"
    if wanted is None or at_path(wanted, path) == live:
        return "accept"
    return "revert"
