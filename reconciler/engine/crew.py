"""The threads that carry steps out. They decide nothing: what came of a step goes back to the executor as a message."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from types import TracebackType

from reconciler.engine.carry import Clock, Errand, Outcome, carry_out
from reconciler.engine.waiting import Asked
from reconciler.errors import ReconcilerError
from reconciler.frozen import frozen
from reconciler.model.change import StepKey
from reconciler.model.event import Event, StepBegun, StepCheckpointed, StepProgressed
from reconciler.model.stop import StopSignal
from reconciler.model.value import Value


@frozen
class Started:
    """A step whose intent was declared."""

    errand: Errand
    begun: StepBegun

    @property
    def key(self) -> StepKey:
        """Which step it is."""
        return self.errand.step.key

    @property
    def operation(self) -> str:
        """The id under which it stands in the journal."""
        return self.begun.operation


@frozen
class Ended:
    """What a verb came to."""

    key: StepKey
    outcome: Outcome | None = None
    error: ReconcilerError | None = None


@frozen
class Said:
    """A checkpoint or progress from inside a verb; `durable` is set once a checkpoint is on disk."""

    event: Event
    durable: threading.Event | None = None


Message = Ended | Said | Asked


class _Work:
    """What a verb is given: its operation, and ways to say how far it is."""

    def __init__(
        self,
        started: Started,
        reached: Mapping[str, Mapping[str, Value]] | None,
        report: Callable[[Said], None],
        stop: StopSignal,
    ) -> None:
        self._address = started.key.address
        self._report = report
        self._stop = stop
        self.operation = started.operation
        self.before = reached or {}
        self.again = reached is not None

    def checkpoint(self, name: str, facts: Mapping[str, Value]) -> None:
        durable = threading.Event()
        # Should this attempt lose an answer, the next one begins here.
        self.before = {**self.before, name: facts}
        self._report(Said(StepCheckpointed(self._address, self.operation, name, facts), durable))
        durable.wait()

    def progress(self, done: float, of: float, note: str) -> None:
        self._report(Said(StepProgressed(self._address, self.operation, done, of, note)))

    def stopping(self) -> bool:
        return self._stop()


class Crew:
    """So many hands, and the messages they have sent. As a context: at its end the hands go home.

    `check` is asked before each step, and raises a ReconcilerError where it must not be begun.
    """

    def __init__(
        self, hands: int, clock: Clock, stop: StopSignal, check: Callable[[StepKey], None] = lambda _key: None
    ) -> None:
        self._check = check
        self._clock = clock
        self._stop = stop
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._labour, daemon=True) for _ in range(hands)]

    def __enter__(self) -> Crew:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in self._threads:
            self._jobs.put(None)

    def _labour(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def do(self, job: Callable[[], None]) -> None:
        """Has a job done by the next free hand."""
        self._jobs.put(job)

    def report(self, message: Message) -> None:
        """Sends a message to whoever reads them."""
        self._messages.put(message)

    def carry(self, started: Started, reached: Mapping[str, Mapping[str, Value]] | None) -> None:
        """Has a step carried out. `reached`: the checkpoints of an earlier run that began it; None where none did."""
        work = _Work(started, reached, self.report, self._stop)
        self.do(lambda: self.report(self._attempt(started, work)))

    def _attempt(self, started: Started, work: _Work) -> Ended:
        try:
            if not work.again:  # what an earlier run began is expected to look different
                self._check(started.key)
            return Ended(started.key, carry_out(started.errand, work, self._clock, started.begun))
        except ReconcilerError as error:
            return Ended(started.key, error=error)
        except Exception as error:  # noqa: BLE001 - a defect in one kind must not lose what the others did
            return Ended(started.key, error=ReconcilerError(f"unexpected {type(error).__name__}: {error}"))

    def messages(self, patience: float) -> Iterator[Message]:
        """Waits so many seconds for a message, then gives all that have come."""
        try:
            yield self._messages.get(timeout=patience)
            while True:
                yield self._messages.get_nowait()
        except queue.Empty:
            return
