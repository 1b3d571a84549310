"""Runs API and workers as siblings: passes SIGTERM on, and ends when the first of them ends, so that the instance is replaced."""

import signal
import subprocess
import sys
import threading

COMMANDS = (
    [sys.executable, "-m", "uvicorn", "orders.api:app", "--host", "0.0.0.0", "--port", "8080"],  # noqa: S104 - a container has its own network
    [sys.executable, "-m", "orders.workers"],
)
GRACE_SECONDS = 25

processes = [subprocess.Popen(command) for command in COMMANDS]
was_told_to = threading.Event()


def stop():
    """Asks all of them to end."""
    for process in processes:
        process.terminate()


def stop_as_told(*_):
    """Ends everything at somebody's wish: then it is no failure that one has ended by the signal that was passed on."""
    was_told_to.set()
    stop()


def first_code():
    """Waits until one has ended, and gives its exit code."""
    while True:
        for process in processes:
            try:
                return process.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                continue


signal.signal(signal.SIGTERM, stop_as_told)
signal.signal(signal.SIGINT, stop_as_told)
code = first_code()
stop()
for process in processes:
    try:
        process.wait(timeout=GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
sys.exit(0 if was_told_to.is_set() else code)
