"""The database that settings name, in a data folder or on a server, and the state that is shared over it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from warning.bootstrap.accounts import DATABASE, build_accounts, open_accounts
from warning.domain.bucket import MINUTE_MS
from warning.engine.grid import Grid
from warning.runtime.state import LiveState
from warning.service.errors import BadInputError
from warning.store.sql import meta
from warning.store.sql.database import Database

if TYPE_CHECKING:
    from warning.service.accounts import Accounts
    from warning.settings import Settings

JURISDICTION = "city"
"""The name of the jurisdiction where settings give none."""
ZONE = "UTC"
_JURISDICTION, _ZONE, _TICK = "jurisdiction", "zone", "service.tick_minutes"


def open_database(data: Path) -> Database:
    """Open a data folder's database, made or migrated as needed."""
    data.mkdir(parents=True, exist_ok=True)
    database = Database(data / DATABASE)
    database.migrate()
    return database


def open_store(settings: Settings) -> Database:
    """Open the database that settings name, made or migrated: PostgreSQL by ``store.url``, else the data folder's.

    Raises BadInputError for a password file that cannot be read, StoreAwayError where the server does not answer.
    """
    if not settings.store.url:
        return open_database(Path(settings.service.data))
    database = store_of(settings)
    try:
        database.migrate()
    except BaseException:
        database.close()
        raise
    return database


def store_of(settings: Settings) -> Database:
    """Return the database that settings name as it is, not opened yet."""
    if not settings.store.url:
        return Database(Path(settings.service.data) / DATABASE)
    return Database(settings.store.url, _password(settings))


def _password(settings: Settings) -> str:
    name = settings.store.password_file
    if not name:
        return ""
    try:
        return Path(name).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(
            f"setting store.password_file {name}",
            "cannot be read",
            "Check the path, its owner and its mode.",
            f"设置 store.password_file: 无法读取 {name}。请检查路径、所有者和权限。",
        ) from error


def require_folder(settings: Settings) -> None:
    """Raise BadInputError where settings name a database that several processes share: a service alone owns its own."""
    if settings.store.url:
        raise BadInputError(
            "setting store.url",
            "names a database of a cluster, and this service keeps its own in a data folder",
            "Take the setting away or give --data; a cluster runs by `early-warning cluster`.",
            "设置 store.url 指向集群的数据库,而单机服务使用数据目录。请去掉该设置或用 --data。",
        )


@contextmanager
def accounts_of(settings: Settings, *, create: bool = False) -> Iterator[Accounts]:
    """Give the accounts in the database that settings name, whether or not services run on it.

    Raises BadInputError for a data folder without a database, unless it may be created.
    """
    if not settings.store.url:
        with open_accounts(Path(settings.service.data), create=create) as accounts:
            yield accounts
        return
    database = open_store(settings)
    try:
        yield build_accounts(database)
    finally:
        database.close()


def remember(settings: Settings, database: Database) -> None:
    """Note whose folder it is, for commands beside the service that are not given its settings.

    Raises BadInputError when it is another jurisdiction's, its days were counted in another zone, or its ticks are
    numbered by another step: fewer minutes' numbers are larger, and with more no tick would come for years.
    """
    wanted = {
        _JURISDICTION: jurisdiction_of(settings),
        _ZONE: zone_of(settings),
        _TICK: str(settings.service.tick_minutes),
    }
    with database.write() as connection:
        for name, value in wanted.items():
            known = meta.get(connection, name)
            if known not in {None, value}:
                raise _others(name, known or "", value)
            meta.put(connection, name, value)


def _others(name: str, known: str, wanted: str) -> BadInputError:
    return BadInputError(
        f"setting {name}",
        f"is {wanted!r}, but the data folder was begun with {known!r}",
        f"Set {name}: {known}, or begin another data folder and load the old tickets into it as history.",
        f"设置 {name} 为 {wanted!r},而数据目录是以 {known!r} 建立的。请改回,或另建数据目录并把旧工单作为历史载入。",
    )


def remembered(settings: Settings, database: Database) -> Settings:
    """Return the settings with the jurisdiction and zone of the service whose folder it is, if one ran on it."""
    with database.read() as connection:
        known = {"jurisdiction": meta.get(connection, _JURISDICTION), "zone": meta.get(connection, _ZONE)}
    return settings.model_copy(update={name: value for name, value in known.items() if value})


def build_state(settings: Settings, database: Database) -> LiveState:
    """Build the durable side."""
    return LiveState(
        database,
        jurisdiction=jurisdiction_of(settings),
        grid=Grid(zone_of(settings)),
        tick_ms=settings.service.tick_minutes * MINUTE_MS,
        original_hours=settings.retention.original_hours,
        silent_after=timedelta(minutes=max(settings.engine.lateness_minutes, 60)),
    )


def jurisdiction_of(settings: Settings) -> str:
    """Return the service's jurisdiction."""
    return settings.jurisdiction or JURISDICTION


def zone_of(settings: Settings) -> str:
    """Return the service's time zone."""
    return settings.zone or ZONE
