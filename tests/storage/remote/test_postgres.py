from __future__ import annotations

import sys
import threading
from pathlib import Path
from uuid import uuid4

import pytest

from reconciler.errors import AuthenticationError, ReconcilerError, StateError, UnavailableError
from reconciler.storage.remote import postgres
from reconciler.storage.remote.postgres import PostgresShelf
from reconciler.storage.remote.shelf import Patient, TakenError
from reconciler.storage.remote.store import RemoteStore
from tests.storage import samples
from tests.storage.conftest import postgres_place

Connect = dict[str, str]


@pytest.fixture
def shelf(database: Connect) -> PostgresShelf:
    return postgres.open_shelf({**database, "schema": f"s{uuid4().hex}"}, {}, "shop/default")


def test_a_row_is_written_only_in_the_epoch_it_was_read_in(shelf: PostgresShelf) -> None:
    assert shelf.get("head.json") is None
    tag = shelf.create("head.json", b"one")
    with pytest.raises(TakenError):
        shelf.create("head.json", b"two")
    newer = shelf.replace("head.json", b"two", tag)
    with pytest.raises(TakenError):
        shelf.replace("head.json", b"three", tag)
    item = shelf.get("head.json")
    assert item is not None
    assert (item.data, item.tag) == (b"two", newer)
    assert 0 <= shelf.now() - item.written_at < 60


def test_names_are_those_of_one_environment(database: Connect) -> None:
    settings = {**database, "schema": f"s{uuid4().hex}"}
    for folder in ("shop/eu", "shop/eu-west", "shop_eu/x"):
        postgres.open_shelf(settings, {}, folder).create("journal/1/0", b"")
    shelf = postgres.open_shelf(settings, {}, "shop/eu")
    assert shelf.names("journal/") == ["journal/1/0"]
    shelf.remove(["journal/1/0", "journal/9/9"])
    assert shelf.names("") == []


def test_a_pooler_that_lends_another_connection_for_each_statement_does_no_harm(
    database: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = PostgresShelf._execute

    def execute_and_give_back(shelf: PostgresShelf, *args: object) -> object:
        try:
            return real(shelf, *args)  # type: ignore[arg-type]
        finally:
            shelf._hang_up()

    monkeypatch.setattr(PostgresShelf, "_execute", execute_and_give_back)
    store = postgres_place(database, tmp_path).open()
    with store.lock("apply"):
        state = store.begin_run(store.read() or samples.state(), "run-1")
        store.append([samples.begun(1)])
        state = store.commit(state.after([samples.begun(1)]))
    assert store.read() == state


def test_a_line_that_was_cut_is_taken_up_again(shelf: PostgresShelf) -> None:
    import psycopg

    shelf.create("head.json", b"one")
    pid = shelf._connected().info.backend_pid
    with psycopg.connect(**shelf._connect) as other:
        other.execute("select pg_terminate_backend(%s)", [pid])
    waited: list[float] = []
    patient = Patient(shelf, waited.append)
    while not waited:  # until the end of the connection has arrived
        assert patient.get("head.json") is not None


def test_several_make_the_table_at_the_same_moment(database: Connect) -> None:
    settings = {**database, "schema": f"s{uuid4().hex}"}
    shelves = [postgres.open_shelf(settings, {}, f"shop/{number}") for number in range(8)]
    failed: list[Exception] = []

    def write(it: PostgresShelf) -> None:
        try:
            it.create("head.json", b"")
        except ReconcilerError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=[it]) for it in shelves]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"host": "/nowhere"}, UnavailableError, "gives no usable answer"),
        ({"database": "another"}, ReconcilerError, "PGDATABASE"),
    ],
)
def test_what_does_not_answer_is_said(
    database: Connect, wrong: Connect, error: type[ReconcilerError], said: str
) -> None:
    shelf = postgres.open_shelf({**database, **wrong}, {}, "shop/default")
    with pytest.raises(error, match=said):
        shelf.get("head.json")


def test_a_user_who_may_not_write_is_told_what_is_needed(database: Connect, shelf: PostgresShelf) -> None:
    import psycopg

    shelf.create("head.json", b"")
    name = f"u{uuid4().hex}"
    with psycopg.connect(**shelf._connect, autocommit=True) as other:
        other.execute(f"create role {name} login")
    settings = {**database, "schema": shelf._schema, "user": name}
    with pytest.raises(AuthenticationError, match="needs to create, or to write, the schema"):
        postgres.open_shelf(settings, {}, "shop/default").get("head.json")


def test_a_connection_string_comes_from_the_environment_and_is_never_shown(database: Connect) -> None:
    url = f"postgresql://alice:s3cret@/postgres?host={database['host']}"
    shelf = postgres.open_shelf(
        {"schema": f"s{uuid4().hex}"}, {"RECONCILER_POSTGRES_URL": url}, "shop/default"
    )
    with RemoteStore("postgres", shelf, samples.SHOP).lock("apply"):
        pass
    assert "s3cret" not in shelf.describe()
    wrong = postgres.open_shelf({}, {"RECONCILER_POSTGRES_URL": f"{url}&sslmode=s3cret"}, "shop/default")
    with pytest.raises(ReconcilerError) as refused:
        wrong.get("head.json")
    assert "s3cret" not in str(refused.value)


def test_the_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StateError, match=r"pip install 'reconciler\[postgres\]'"):
        postgres.open_shelf({}, {}, "shop/default")
