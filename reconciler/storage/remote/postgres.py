"""A shelf in a table of PostgreSQL: a row for a document, each statement a transaction of its own. The only user of psycopg.

Nothing rests on the session, so that it works behind a pooler that lends a connection for one transaction: no advisory lock, no
prepared statement, no setting. A row's `epoch` rises with every write; a write names the one that it was read with.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reconciler.errors import AuthenticationError, StateError, UnavailableError
from reconciler.storage.lock import Holder
from reconciler.storage.remote.shelf import Item, TakenError, check_conditions

if TYPE_CHECKING:
    import psycopg

TIMEOUT_SECONDS = 15
_MAKE_SCHEMA = "create schema if not exists {schema}"
_MAKE_TABLE = (
    "create table if not exists {table} (name text primary key, epoch bigint not null, body bytea not null,"
    " written_at timestamptz not null default clock_timestamp())"
)
_GET = "select body, epoch, extract(epoch from written_at)::float8 from {table} where name = %s"
_CREATE = (
    "insert into {table} (name, epoch, body) values (%s, 1, %s) on conflict (name) do nothing returning epoch"
)
_REPLACE = (
    "update {table} set body = %s, epoch = epoch + 1, written_at = clock_timestamp()"
    " where name = %s and epoch = %s returning epoch"
)
_REMOVE = "delete from {table} where name = any(%s)"
_NAMES = "select name from {table} where starts_with(name, %s)"
_NOW = "select extract(epoch from clock_timestamp())::float8"
_NO_TABLE = ("42P01", "3F000")  # undefined_table, invalid_schema_name
_MADE_BY_ANOTHER = ("23505", "42P06", "42P07")  # two make the same schema or table at the same moment
_CLOSED_DOOR = ("28", "42501")  # invalid authorization, insufficient privilege
_CLOSED_DOOR_SAID = (
    "authentication failed",
    "no pg_hba.conf entry",
    "no password supplied",
)  # before there is a code
_PASSING = ("08", "25", "40", "53", "57")  # connection, read-only for now, rollback, resources, shutdown


class PostgresShelf:
    """Documents as rows whose names begin with a folder's."""

    def __init__(self, connect: Mapping[str, Any], schema: str, folder: str) -> None:
        self._connect = dict(connect)
        self._schema = schema
        self._folder = folder
        self._connection: psycopg.Connection[Any] | None = None
        self._mutex = threading.RLock()

    def describe(self) -> str:
        """The schema and the folder; not where the database is, which may be told with a password."""
        return f"postgres:{self._schema}/{self._folder}"

    def get(self, name: str) -> Item | None:
        """A row; None also where there is no table yet."""
        rows = self._ask(_GET, [self._name(name)])
        return Item(bytes(rows[0][0]), str(rows[0][1]), rows[0][2]) if rows else None

    def create(self, name: str, data: bytes) -> str:
        """Inserts a row unless there is one."""
        return self._written(_CREATE, [self._name(name), data])

    def replace(self, name: str, data: bytes, tag: str) -> str:
        """Updates the row if its epoch is still the same."""
        return self._written(_REPLACE, [data, self._name(name), int(tag)])

    def remove(self, names: Iterable[str]) -> None:
        """Deletes rows."""
        self._ask(_REMOVE, [[self._name(name) for name in names]])

    def names(self, under: str) -> list[str]:
        """The names that begin with a folder's."""
        rows = self._ask(_NAMES, [self._name(under)])
        return [row[0].removeprefix(f"{self._folder}/") for row in rows]

    def now(self) -> float:
        """The database's time."""
        return float(self._ask(_NOW, [])[0][0])

    def probe(self) -> None:
        """Raises StateError for what only looks like PostgreSQL."""
        check_conditions(self)

    def enter(self, ticket: str, holder: Holder, told: str) -> None:
        """Makes the table where there is none. There is no lock to take: the head is one."""
        self._ask("select 1 from {table} limit 1", [], makes=True)

    def leave(self, ticket: str) -> None:
        """Nothing."""

    def _name(self, name: str) -> str:
        return f"{self._folder}/{name}"

    def _written(self, statement: str, values: Sequence[Any]) -> str:
        rows = self._ask(statement, values, makes=True)
        if not rows:
            raise TakenError
        return str(rows[0][0])

    def _ask(self, statement: str, values: Sequence[Any], *, makes: bool = False) -> list[Any]:
        """The rows that a statement gives; none where there is no table, unless it is to be made."""
        import psycopg

        with self._mutex, self._answers():
            try:
                return self._execute(statement, values)
            except psycopg.Error as error:
                if error.sqlstate not in _NO_TABLE:
                    raise
            if not makes:
                return []
            self._make()
            return self._execute(statement, values)

    def _make(self) -> None:
        import psycopg

        for statement in (_MAKE_SCHEMA, _MAKE_TABLE):
            try:
                self._execute(statement, [])
            except psycopg.Error as error:
                if error.sqlstate not in _MADE_BY_ANOTHER:
                    raise

    def _execute(self, statement: str, values: Sequence[Any]) -> list[Any]:
        from psycopg.sql import SQL, Identifier

        names = {"schema": Identifier(self._schema), "table": Identifier(self._schema, "documents")}
        text = SQL(statement).format(**names)
        cursor = self._connected().execute(text, values or None)
        return cursor.fetchall() if cursor.description else []

    def _connected(self) -> psycopg.Connection[Any]:
        import psycopg

        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(**self._connect, autocommit=True, prepare_threshold=None)
            weakref.finalize(self, self._connection.close)  # a store is never closed, only forgotten
        return self._connection

    @contextmanager
    def _answers(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            if isinstance(error, psycopg.OperationalError):
                self._hang_up()
            raise self._meant(error.sqlstate or "", str(error)) from None

    def _hang_up(self) -> None:
        """A pooler or a restart may have cut the line; the next request takes another."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
            self._connection = None

    def _meant(self, code: str, said: str) -> Exception:
        """What the library says may hold the connection string, so it is only looked at."""
        if code.startswith(_CLOSED_DOOR) or any(words in said for words in _CLOSED_DOOR_SAID):
            return AuthenticationError(
                f"{self.describe()}: the database does not let us in, or does not let us do this",
                fix=f"set PGUSER and PGPASSWORD; the user needs to create, or to write, the schema {self._schema}",
            )
        if code and code[:2] not in _PASSING:
            return StateError(f"{self.describe()}: the database refuses with code {code}")
        return UnavailableError(
            f"{self.describe()}: the database gives no usable answer",
            sent=True,
            fix="look at PGHOST, PGPORT, PGDATABASE and your connection",
        )


def open_shelf(settings: Mapping[str, Any], environ: Mapping[str, str], folder: str) -> PostgresShelf:
    """The shelf that a manifest's `state:` names; `folder` is the project's and the environment's."""
    _require_library()
    connect: dict[str, Any] = {
        "application_name": "reconciler",
        "connect_timeout": TIMEOUT_SECONDS,
        "tcp_user_timeout": TIMEOUT_SECONDS * 1000,
    }
    if url := environ.get("RECONCILER_POSTGRES_URL", ""):
        connect["conninfo"] = url
    for key, name in (("host", "host"), ("port", "port"), ("database", "dbname"), ("user", "user")):
        if key in settings:
            connect[name] = str(settings[key])
    return PostgresShelf(connect, str(settings.get("schema", "reconciler")), folder)


def _require_library() -> None:
    try:
        import psycopg  # noqa: F401 - whether it is there
    except ImportError:
        raise StateError(
            "`state: {backend: postgres}` needs a package that is not installed",
            fix="install it with `pip install 'reconciler[postgres]'`",
        ) from None
