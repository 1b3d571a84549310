"""Works orders off, until it is told to stop; what is under way is finished first."""

import signal
import threading

stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())


def work():
    """One round: the work itself would be here."""


while not stopping.wait(1.0):
    work()
