"""Tends the memory: looks at it, moves and drops entries, goes back to earlier versions, clears away a dead lock."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import click

from reconciler.cli.options import Common, addresses, common_options
from reconciler.cli.saying import answer, note
from reconciler.cli.show import state_text
from reconciler.cli.state_migrate import command as migrate
from reconciler.cli.state_rekey import command as rekey
from reconciler.cli.workplace import open_store
from reconciler.errors import ReconcilerError, RefusedError, StateError
from reconciler.kinds import SECTIONS
from reconciler.model.address import ResourceAddress
from reconciler.model.event import Event, StepSucceeded
from reconciler.model.state import State
from reconciler.render.harmless import harmless
from reconciler.render.machine import render_json
from reconciler.storage.store import Store


@click.group("state", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Tend the memory of what was applied."""


command.add_command(migrate)
command.add_command(rekey)


def _present(store: Store) -> State:
    state = store.read()
    if state is None:
        raise StateError(f"there is no state yet at {store.describe()}", fix="the first apply makes one")
    return state


def _entry(state: State, text: str) -> ResourceAddress:
    [address] = addresses((text,), SECTIONS)
    if address not in state.resources:
        raise ReconcilerError(f"{address} is not in the state", fix="`state list` shows what is")
    return address


@command.command("list")
@common_options
def list_entries(common: Common) -> int:
    """List the addresses of everything remembered."""
    state = _present(open_store(common))
    names = [str(address) for address in sorted(state.resources)]
    answer(render_json(names) if common.json else "".join(f"{name}\n" for name in names))
    return 0


@command.command("show")
@common_options
@click.argument("address")
def show_entry(common: Common, address: str) -> int:
    """Show what is remembered of one resource."""
    state = _present(open_store(common))
    found = _entry(state, address)
    only = replace(state, resources={found: state.resources[found]}, outputs={})
    answer(render_json(state.resources[found]) if common.json else state_text(only))
    return 0


@contextmanager
def _writing(common: Common, command_name: str) -> Iterator[tuple[Store, State]]:
    store = open_store(common)
    with store.lock(command_name):
        yield store, _present(store)


def _record(store: Store, state: State, events: tuple[Event, ...]) -> State:
    begun = store.begin_run(state, uuid4().hex)
    store.append(events)
    return store.commit(begun.after(events))


@command.command("mv")
@common_options
@click.argument("origin")
@click.argument("target")
def move(common: Common, origin: str, target: str) -> int:
    """Remember a resource under another address; nothing in the cloud changes."""
    with _writing(common, "state mv") as (store, state):
        source = _entry(state, origin)
        [goal] = addresses((target,), SECTIONS)
        if goal in state.resources:
            raise ReconcilerError(f"{goal} is in the state already", fix="move or remove that one first")
        if goal.kind != source.kind:
            raise ReconcilerError(f"{source} cannot become a {goal.kind}")
        moved = state.renamed({source: goal}).resources
        recorded = [
            StepSucceeded(one, "move", "", prior)
            for one, prior in moved.items()
            if prior is not state.resources.get(one)
        ]
        state = _record(store, state, (*recorded, StepSucceeded(source, "move", "", None)))
    note(
        f"moved {source} to {goal} (state #{state.serial}); say so under `moved`, or the next plan undoes it"
    )
    return 0


@command.command("rm")
@common_options
@click.argument("address", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
def remove(common: Common, address: tuple[str, ...], yes: bool) -> int:
    """Forget resources; nothing in the cloud changes."""
    with _writing(common, "state rm") as (store, state):
        found = [_entry(state, one) for one in address]
        confirm(yes, f"Forget {', '.join(map(str, found))}? They stay in the cloud.")
        state = _record(store, state, tuple(StepSucceeded(one, "forget", "", None) for one in found))
    note(f"forgot {', '.join(map(str, found))} (state #{state.serial})")
    return 0


def confirm(yes: bool, question: str) -> None:
    """Asks unless it was said beforehand. Raises RefusedError where there is nobody to ask, or the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise RefusedError("there is no terminal to ask on", fix="say --yes")
    if not click.confirm(question, err=True):
        raise RefusedError("the answer was no; nothing was done")


@command.command("history")
@common_options
def history(common: Common) -> int:
    """List the versions that are kept, newest first."""
    versions = open_store(common).history()
    if common.json:
        answer(render_json(list(versions)))
        return 0
    for one in versions:
        answer(harmless(f"#{one.serial}  {one.written_at}  {one.resources} resources") + "\n")
    return 0


@command.command("restore")
@common_options
@click.argument("serial", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(common: Common, serial: int, yes: bool) -> int:
    """Go back to an earlier version, under a new and higher serial."""
    store = open_store(common)
    confirm(yes, f"Remember things as they were at #{serial}? Nothing in the cloud changes.")
    with store.lock("state restore"):
        state = store.restore(serial)
    note(f"#{serial} is in force again, as state #{state.serial}; `plan` shows what differs")
    return 0


@command.command("unlock")
@common_options
def unlock(common: Common) -> int:
    """Clear away what a dead holder of the lock left."""
    holder = open_store(common).unlock()
    note(f"cleared away what {holder.user} on {holder.host} left" if holder else "nobody holds the lock")
    return 0


@command.command("pull")
@common_options
def pull(common: Common) -> int:
    """Print the state as a document."""
    answer(open_store(common).pull().decode())
    return 0


@command.command("push")
@common_options
@click.argument("document", metavar="FILE", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--force", is_flag=True, help="Also where it does not follow from what is there.")
def push(common: Common, document: Path, force: bool) -> int:
    """Take in a document: an edited state, or the recovery record of a run."""
    store = open_store(common)
    with store.lock("state push"):
        state = store.push(document.read_bytes(), force=force)
    note(f"taken in as state #{state.serial}")
    return 0
