from __future__ import annotations

import os
import subprocess
import sys

import pytest
from msgspec.structs import replace

from reconciler.errors import LockHeldError, StateError
from reconciler.storage.journal import NotDurableError
from reconciler.storage.remote import alive, claim
from reconciler.storage.remote.head import HEAD_NAME, decode_head, encode_head
from reconciler.storage.remote.lease import LeaseLostError, Timing
from reconciler.storage.remote.store import RemoteStore
from reconciler.storage.store import LEASE_SECONDS, NotCommittedError
from tests.storage import samples
from tests.storage.remote.memory import Clock, MemoryShelf, damage, store


def killed(shelf: MemoryShelf, *, begun: bool = True, ahead: float = 0.0) -> None:
    """A holder that does nothing any more, in the middle of a run."""
    it = store(shelf, timing=shelf.clock.timing(ahead))
    it._session = None
    holding = it.lock("apply")
    holding.__enter__()
    state = it.read() or samples.state()
    if begun:
        it.begin_run(state, "run-1")
        it.append([samples.begun(1)])
    KILLED.append(holding)  # a generator that is collected would give the lease back


KILLED: list[object] = []


def beat(it: RemoteStore) -> None:
    assert it._session is not None
    it._session.tenure.beat()


def test_a_lease_lasts_a_minute_at_most() -> None:
    assert LEASE_SECONDS <= 60
    assert Timing().request_seconds == LEASE_SECONDS / 2


def test_a_second_writer_is_told_of_the_first_at_once_where_that_is_known_to_be_alive() -> None:
    shelf = MemoryShelf()
    with store(shelf).lock("apply"), pytest.raises(LockHeldError) as refused, store(shelf).lock("destroy"):
        pass
    assert f"process {os.getpid()}" in refused.value.message
    assert '"apply"' in refused.value.message
    assert shelf.clock.slept == 0


def test_a_holder_elsewhere_that_beats_is_alive(elsewhere: None) -> None:
    shelf = MemoryShelf()
    first = store(shelf)
    with first.lock("apply"):
        shelf.clock.meanwhile = [lambda: beat(first)]
        with pytest.raises(LockHeldError, match="which is alive"), store(shelf).lock("destroy"):
            pass
    assert shelf.clock.slept <= 2


def test_a_killed_holders_lease_ends_by_itself(elsewhere: None) -> None:
    shelf = MemoryShelf()
    killed(shelf)
    said: list[str] = []
    with store(shelf, tell=said.append).lock("apply"):
        assert LEASE_SECONDS < shelf.clock.slept <= LEASE_SECONDS + 5
    assert len(said) == 1
    assert "(0 s ago)" in said[0]


def test_a_lease_that_ran_out_long_ago_is_taken_at_once(elsewhere: None) -> None:
    shelf = MemoryShelf()
    killed(shelf)
    shelf.clock.now += 3600
    with store(shelf).lock("apply"):
        assert shelf.clock.slept == 0


def test_a_holder_that_died_on_this_machine_is_known_to_be_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = MemoryShelf()
    monkeypatch.setattr(claim, "this_process_started", lambda: 1)
    killed(shelf)
    monkeypatch.undo()
    assert store(shelf).holder() is None
    with store(shelf).lock("apply"):
        assert shelf.clock.slept == 0


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
def test_a_wrong_clock_changes_nothing(elsewhere: None, skew: float) -> None:
    shelf = MemoryShelf()
    killed(shelf, ahead=skew)
    with store(shelf, timing=shelf.clock.timing(-skew)).lock("apply"):
        assert LEASE_SECONDS < shelf.clock.slept <= LEASE_SECONDS + 5


def test_the_age_of_a_lease_is_reckoned_by_the_place(elsewhere: None) -> None:
    shelf = MemoryShelf()
    it = store(shelf, timing=shelf.clock.timing(ahead=3600))
    with it.lock("apply"):
        shelf.clock.now += 50
        beat(it)
        shelf.clock.now += 10
        holder = store(shelf).holder()
        assert holder is not None
        assert holder.since == "1970-01-12T13:46:40Z"  # 1,000,000 seconds after the beginning of time


def test_a_holder_paused_past_its_lease_writes_nothing() -> None:
    shelf = MemoryShelf()
    it = store(shelf)
    with it.lock("apply"):
        state = it.begin_run(it.read() or samples.state(), "run-1")
        before = len(shelf.writes)
        shelf.clock.now += LEASE_SECONDS
        for write in (
            lambda: it.append([samples.begun(1)]),
            lambda: it.commit(state.after([samples.begun(1)])),
            lambda: beat(it),
            it.check_lease,
        ):
            with pytest.raises(LeaseLostError):
                write()
    assert len(shelf.writes) == before


def test_a_holder_that_was_overtaken_is_fenced_off_whatever_its_clock_says(elsewhere: None) -> None:
    shelf, still = MemoryShelf(), Clock()
    it = store(shelf, timing=still.timing())  # its clock stands: it does not know that it was paused
    with it.lock("apply"):
        state = it.begin_run(it.read() or samples.state(), "run-1")
        it.append([samples.begun(1)])
        shelf.clock.now += LEASE_SECONDS + 5
        other = store(shelf)
        with other.lock("apply"):
            taken = other.begin_run(other.read() or samples.state(), "run-2")
            assert set(taken.intents) == {"op-1"}
            it.append([samples.begun(2)])  # reaches a dead epoch
            with pytest.raises(LeaseLostError, match="somebody else"):
                it.commit(state.after([samples.begun(1), samples.begun(2)]))
            other.commit(taken)
    assert store(shelf).read() == taken


def test_no_request_begins_that_could_outlast_the_lease() -> None:
    shelf = MemoryShelf()
    it = store(shelf)
    it.check_lease()
    with it.lock("apply"):
        shelf.clock.now += 31
        it.check_lease()  # renews it
        shelf.clock.now += 31
        shelf.faults = ["before"] * 4
        with pytest.raises(LeaseLostError, match="nothing more was begun"):
            it.check_lease()
        it.check_lease()


def test_every_write_of_the_head_renews_the_lease() -> None:
    shelf = MemoryShelf()
    it = store(shelf)
    with it.lock("apply"):
        state = it.begin_run(it.read() or samples.state(), "run-1")
        shelf.clock.now += 40
        it.append([samples.begun(1)])
        state = it.commit(state.after([samples.begun(1)]))
        shelf.clock.now += 40
        it.append([samples.begun(2)])


def test_each_holder_has_an_epoch_of_its_own() -> None:
    shelf = MemoryShelf()
    for epoch in (1, 2, 3):
        with store(shelf).lock("apply"):
            assert decode_head(shelf.items[HEAD_NAME].data).epoch == epoch
        assert decode_head(shelf.items[HEAD_NAME].data).lease is None


def test_a_heartbeat_keeps_a_lease_alive() -> None:
    shelf = MemoryShelf()
    with store(shelf, timing=Timing(seconds=0.2)).lock("apply"):
        count = len(shelf.writes)
        while len(shelf.writes) < count + 2:  # the thread writes them; the test's own time limit is the bound
            pass
    assert len({decode_head(shelf.items[HEAD_NAME].data).epoch}) == 1


def test_a_place_that_lies_is_refused_before_anything_is_written() -> None:
    shelf = MemoryShelf(lies=True)
    with pytest.raises(StateError, match="ignores the conditions"), store(shelf).lock("apply"):
        pass
    assert shelf.items == {}


def test_the_probe_is_made_once() -> None:
    shelf = MemoryShelf()
    for _ in range(3):
        with store(shelf).lock("apply"):
            pass
    assert sum(name.startswith("probe/") for name in shelf.writes) == 2


def test_somebody_faster_between_look_and_write_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = MemoryShelf()
    with store(shelf).lock("apply"):
        pass
    head = decode_head(shelf.items[HEAD_NAME].data)
    first = store(shelf)
    real, once = shelf.replace, [True]

    def replace_after_another(name: str, data: bytes, tag: str) -> str:
        if once and once.pop():
            holding = store(shelf).lock("destroy")
            holding.__enter__()
            KILLED.append(holding)
        return real(name, data, tag)

    monkeypatch.setattr(shelf, "replace", replace_after_another)
    with pytest.raises(LockHeldError, match='"destroy"'), first.lock("apply"):
        pass
    assert decode_head(shelf.items[HEAD_NAME].data).epoch == head.epoch + 1


@pytest.mark.parametrize("fault", ["before", "after"])
def test_a_lost_answer_is_looked_up(fault: str) -> None:
    shelf = MemoryShelf()
    it = store(shelf)
    with it.lock("apply"):
        it.read()
        shelf.faults = [fault]
        state = it.begin_run(samples.state(), "run-1")
        shelf.faults = [fault]
        it.append([samples.begun(1)])
        shelf.faults = [fault, "", fault]
        state = it.commit(state.after([samples.begun(1)]))
    assert store(shelf).read() == state


def test_a_place_that_is_gone_for_long_takes_nothing_and_loses_nothing() -> None:
    shelf = MemoryShelf()
    it = store(shelf)
    with it.lock("apply"):
        state = it.begin_run(it.read() or samples.state(), "run-1")
        shelf.faults = ["before"] * 4
        with pytest.raises(NotDurableError) as refused:
            it.append([samples.begun(1)])
        assert refused.value.events == (samples.begun(1),)
        it.append([])
    assert store(shelf).read() == state.after([samples.begun(1)])


def test_a_place_that_is_gone_at_the_end_is_said_and_the_run_found_again() -> None:
    shelf = MemoryShelf()
    it = store(shelf)
    with it.lock("apply"):
        state = it.begin_run(it.read() or samples.state(), "run-1")
        it.append([samples.begun(1)])
        shelf.faults = ["before"] * 99
        with pytest.raises(NotCommittedError, match="cannot be written") as refused:
            it.commit(state.after([samples.begun(1)]))
    shelf.faults = []
    assert refused.value.exit_code == 4
    assert store(shelf).read() == state.after([samples.begun(1)])


def test_ends_alone_wait_for_the_next_intent() -> None:
    shelf = MemoryShelf()
    it = store(shelf)
    with it.lock("apply"):
        it.begin_run(it.read() or samples.state(), "run-1")
        it.append([samples.begun(1), samples.begun(2, samples.EDGE)])
        count = len(shelf.writes)
        it.append([samples.succeeded(1)])
        assert len(shelf.writes) == count
        it.append([samples.begun(3, samples.EU)])
        assert len(shelf.writes) == count + 1
    state = store(shelf).read()
    assert state is not None
    assert set(state.intents) == {"op-2", "op-3"}


def test_the_end_of_what_cannot_be_looked_up_is_written_at_once() -> None:
    shelf = MemoryShelf()
    it = store(shelf)
    with it.lock("apply"):
        it.begin_run(it.read() or samples.state(), "run-1")
        it.append([samples.begun(1, uniqueness="unknowable")])
        count = len(shelf.writes)
        it.append([samples.succeeded(1)])
        assert len(shelf.writes) == count + 1


def test_a_process_that_ended_is_dead_and_one_that_runs_is_not() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    started = alive.started_at(ended.pid)
    ended.wait()
    place = alive.this_place()
    assert alive.is_dead(place, ended.pid, started)
    assert alive.is_alive(place, os.getpid(), alive.this_process_started())
    assert alive.is_dead(place, os.getpid(), 1)
    assert not alive.is_dead("elsewhere", ended.pid, started)
    assert not alive.is_dead("", ended.pid, started)


def test_a_damaged_head_is_watched_like_anybodys_lease() -> None:
    shelf = MemoryShelf()
    with store(shelf).lock("apply"):
        pass
    head = decode_head(shelf.items[HEAD_NAME].data)
    damage(shelf, HEAD_NAME, lambda _data: encode_head(replace(head, epoch=9))[:-9])
    with store(shelf).lock("state restore"):
        assert shelf.clock.slept > LEASE_SECONDS
