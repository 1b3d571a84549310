"""How a lease is taken: at once where nobody has it, after a look where somebody had it, never from one who is alive.

On the same machine a process is known to be dead; elsewhere a lease is over once the place's clock says so, or once it was
watched for its whole length without a beat.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import uuid4

import msgspec

from reconciler.errors import DamagedStateError, LockHeldError
from reconciler.frozen import frozen
from reconciler.storage.codec import MalformedError, is_newer
from reconciler.storage.lock import Holder, timestamp
from reconciler.storage.remote.alive import is_alive, is_dead, this_place, this_process_started
from reconciler.storage.remote.head import HEAD_NAME, JOURNAL, VERSIONS, Head, Lease, decode_head, encode_head
from reconciler.storage.remote.lease import Tenure, Timing, next_head
from reconciler.storage.remote.shelf import Item, LockedError, Shelf, TakenError

MARGIN = 2.0  # places tell the time of a write in whole seconds
LOOK_AGAIN = 1.0
SOMEBODY = Holder("somebody", "another machine", 0, "", "")


@frozen
class Sight:
    """What was found: the head, and the lease on it. `sign` changes whenever its holder gives one of life."""

    head: Head
    item: Item | None
    lease: Lease | None
    sign: str = ""
    foreign: str = ""  # a lock of the place's own that no run of ours took: its ticket
    blocked: str = ""  # a lock of the place's own that has to be broken first: its ticket


@frozen
class _Watch:
    """A lease that is being watched: since when, and for how long it had not been renewed then."""

    sign: str
    since: float
    age: float


@dataclass(slots=True)
class Claim:
    """One attempt to write at a place. `about` is the head to begin with; `tell` is told why it takes long."""

    shelf: Shelf
    about: Head
    timing: Timing
    tell: Callable[[str], object] = lambda _text: None
    may_break: bool = False  # also the place's own lock that no run of ours took
    broken: Holder | None = field(default=None, init=False)
    _watch: _Watch | None = field(default=None, init=False)
    _has_told: bool = field(default=False, init=False)

    def acquire(self, holder: Holder) -> Tenure:
        """Takes the lease. Raises LockHeldError, which names whoever is alive and has it."""
        lease = _lease_of(holder, self.timing.seconds)
        while True:
            sight = self._enter(lease)
            if sight.foreign and self.may_break:
                self.shelf.leave(sight.foreign)
                self.broken = sight.lease.holder if sight.lease else None
            elif sight.foreign:
                raise self._held(sight)
            elif sight.lease is not None and not self._is_over(sight):
                self._leave(lease, sight)
                self._wait_or_refuse(sight)
            elif sight.blocked:
                self.shelf.leave(sight.blocked)
            elif tenure := self._take(lease, sight):
                return tenure

    def look(self) -> Sight:
        """What is there at this moment, without taking anything. Raises DamagedStateError for a newer format."""
        item = self.shelf.get(HEAD_NAME)
        if item is None:
            return Sight(self._beginning(), None, None)
        try:
            head = decode_head(item.data)
        except MalformedError as error:
            if is_newer(item.data):
                raise DamagedStateError(
                    f"{self.shelf.describe()} cannot be used: {error}", fix=error.fix
                ) from None
            # Nobody can tell whose it is, so it is watched like anybody's.
            return Sight(self._lost(), item, Lease(SOMEBODY, self.timing.seconds, ""), item.tag)
        return Sight(head, item, head.lease, item.tag)

    def held_by(self, sight: Sight) -> Holder | None:
        """Whoever holds the lease that was found; None where it is over."""
        if sight.lease is None or self._is_over(sight):
            return None
        return self._holder(sight.lease, self._age(sight))

    def _beginning(self) -> Head:
        """The head where there is none: the first, unless there are versions that it ought to name."""
        is_new = not self.shelf.names(VERSIONS) and not self.shelf.names(JOURNAL)
        return self.about if is_new else self._lost()

    def _lost(self) -> Head:
        """A head that says that the last one is lost. The place's time is a higher epoch than any that was counted."""
        return msgspec.structs.replace(self.about, lost=True, epoch=int(self.shelf.now()))

    def _enter(self, lease: Lease) -> Sight:
        """What is there, with the place's own lock in our hands unless it is in another's."""
        try:
            self.shelf.enter(lease.ticket, lease.holder, msgspec.json.encode(lease).decode())
        except LockedError as held:
            return self._behind(held)
        try:
            return self.look()
        except BaseException:
            self.shelf.leave(lease.ticket)
            raise

    def _behind(self, held: LockedError) -> Sight:
        """Whose lock of the place stands in the way: a run's, by the head or by what it told the place; or a stranger's."""
        sight = self.look()
        if sight.lease is not None and sight.lease.ticket == held.ticket:
            return replace(sight, blocked=held.ticket)
        if sight.head.last_ticket == held.ticket:
            return replace(sight, lease=None, blocked=held.ticket)
        told = _told(held.told)
        if told is not None and told.ticket == held.ticket:
            return replace(sight, lease=told, sign=held.ticket, blocked=held.ticket)
        who = Holder(held.who, "an unknown machine", 0, "a lock that is not reconciler's", "")
        return replace(sight, lease=Lease(who, 0.0, held.ticket), foreign=held.ticket)

    def _leave(self, lease: Lease, sight: Sight) -> None:
        if not sight.blocked:
            self.shelf.leave(lease.ticket)

    def _take(self, lease: Lease, sight: Sight) -> Tenure | None:
        """The tenure; None where somebody else was faster."""
        try:
            head = sight.head
            if head.probed != self.shelf.describe():
                self.shelf.probe()
            head = next_head(msgspec.structs.replace(head, probed=self.shelf.describe()), lease)
            began = self.timing.steady()
            data = encode_head(head)
            if sight.item is None:
                tag = self.shelf.create(HEAD_NAME, data)
            else:
                tag = self.shelf.replace(HEAD_NAME, data, sight.item.tag)
        except TakenError:
            self.shelf.leave(lease.ticket)
            return None
        except BaseException:
            self.shelf.leave(lease.ticket)
            raise
        return Tenure(self.shelf, head, tag, began, self.timing)

    def _is_over(self, sight: Sight) -> bool:
        lease = sight.lease
        assert lease is not None
        if is_dead(lease.place, lease.holder.pid, lease.started):
            return True
        return self._age(sight) > lease.seconds + MARGIN

    def _age(self, sight: Sight) -> float:
        """For how long the lease has not been renewed: by the place's clock at first, by our steady one from then on."""
        now = self.timing.steady()
        if self._watch is None:
            self._watch = _Watch(sight.sign, now, self._age_by_the_place(sight))
        if self._watch.sign != sight.sign:
            return 0.0
        return self._watch.age + now - self._watch.since

    def _age_by_the_place(self, sight: Sight) -> float:
        if sight.item is None or sight.sign != sight.item.tag:
            return 0.0
        return max(0.0, self.shelf.now() - sight.item.written_at)

    def _wait_or_refuse(self, sight: Sight) -> None:
        """Waits a moment for a lease that may be a dead process's. Raises LockHeldError once it is known to be alive."""
        lease, watch = sight.lease, self._watch
        assert lease is not None
        assert watch is not None
        if watch.sign != sight.sign or is_alive(lease.place, lease.holder.pid, lease.started):
            raise self._held(sight)
        left = lease.seconds + MARGIN - self._age(sight)
        if not self._has_told:
            self._has_told = True
            who = self._holder(lease, self._age(sight)).describe(self._time())
            self.tell(
                f"{self.shelf.describe()} is held by {who}; looking for up to {left:.0f} s whether that still runs"
            )
        self.timing.sleep(min(LOOK_AGAIN, max(left, 0.1)))

    def _held(self, sight: Sight) -> LockHeldError:
        assert sight.lease is not None
        if sight.foreign:
            return LockHeldError(
                f"{self.shelf.describe()} is locked by {sight.lease.holder.user} (lock {sight.foreign})",
                fix="wait until it is given back; `state unlock` takes a lock away that nobody will",
            )
        who = self._holder(sight.lease, self._age(sight)).describe(self._time())
        return LockHeldError(
            f"{self.shelf.describe()} is held by {who}, which is alive",
            fix=f"wait for it to end; what a killed process holds is free after {sight.lease.seconds:.0f} s",
        )

    def _holder(self, lease: Lease, age: float) -> Holder:
        """The holder, with a beginning that was reckoned by the place's clock rather than by his."""
        began = self.shelf.now() - age - lease.held_for
        return replace(lease.holder, since=timestamp(datetime.fromtimestamp(began, UTC)))

    def _time(self) -> datetime:
        return datetime.fromtimestamp(self.shelf.now(), UTC)


def _lease_of(holder: Holder, seconds: float) -> Lease:
    return Lease(holder, seconds, uuid4().hex, place=this_place(), started=this_process_started())


def _told(text: str) -> Lease | None:
    try:
        return msgspec.json.decode(text, type=Lease)
    except (msgspec.MsgspecError, ValueError):
        return None
