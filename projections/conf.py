"""Every setting of Dynamo: its name, default and meaning. Read late, so tests can override them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.conf import settings as django_settings
from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS

PREFIX: Final = "DYNAMO_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    name: str
    default: Any
    type: type | tuple[type, ...]
    help: str


SETTINGS: Final = (
    Setting(
        name="DYNAMO_DATABASE",
        default=DEFAULT_DB_ALIAS,
        type=str,
        help="Alias of the one database that holds the log, the meta tables and the generated tables. "
        "If it is not the default one, add dynamo.router.DynamoRouter to DATABASE_ROUTERS.",
    ),
    Setting(
        name="DYNAMO_DEFAULT_APP",
        default="dynamic",
        type=str,
        help="App label of models that name none.",
    ),
    Setting(
        name="DYNAMO_DEFAULT_ADMIN",
        default=True,
        type=bool,
        help="Whether models get admin pages unless they say otherwise.",
    ),
    Setting(
        name="DYNAMO_APPS",
        default=(),
        type=(tuple, list),
        help="Further app labels for generated models; each gets an AppConfig of its own.",
    ),
    Setting(
        name="DYNAMO_FIELD_TYPES",
        default={},
        type=dict,
        help="Allow-list of third-party field types: name to dotted path of the field class.",
    ),
    Setting(
        name="DYNAMO_MODEL_BASES",
        default={},
        type=dict,
        help='Own methods and managers: "app.Name" to the dotted path of an abstract model or mixin.',
    ),
    Setting(
        name="DYNAMO_DELETE_COLUMNS",
        default=False,
        type=bool,
        help="False: a deleted field is retired, its values kept. True: its column is dropped at once.",
    ),
    Setting(
        name="DYNAMO_DELETE_TABLES",
        default=False,
        type=bool,
        help="False: a deleted model is retired and its rows are kept. True: its table is dropped at once.",
    ),
    Setting(
        name="DYNAMO_RETENTION_DAYS",
        default=0,
        type=int,
        help="For how many days what was retired cannot be purged, so that it can be had back. 0: it is kept "
        "until somebody purges it, which may be at once. What the two settings above drop is never kept.",
    ),
    Setting(
        name="DYNAMO_LOCK_TIMEOUT_SECONDS",
        default=2.0,
        type=(float, int),
        help="How long a change waits for the registry's lock and for those of tables before it is tried "
        "again, and after three times refused.",
    ),
    Setting(
        name="DYNAMO_DEFER_DDL",
        default=False,
        type=bool,
        help="MariaDB and MySQL only. False: a change inside atomic() is refused. True: it is accepted, and "
        "its tables change right after the commit; until then rows of these models cannot be used.",
    ),
    Setting(
        name="DYNAMO_STALENESS_SECONDS",
        default=0,
        type=(float, int),
        help="PostgreSQL, or with DYNAMO_REDIS_URL. 0: every request asks whether the schema changed, by one "
        "query. More: it asks when the process heard of a change, and after so many seconds anyway. It can "
        "be as long behind.",
    ),
    Setting(
        name="DYNAMO_STREAM_POLL_SECONDS",
        default=1.0,
        type=(float, int),
        help="How often the stream looks at the log when nothing woke it up.",
    ),
    Setting(
        name="DYNAMO_STREAM_KEEPALIVE_SECONDS",
        default=20.0,
        type=(float, int),
        help="How often an idle stream sends a keep-alive frame and checks the reader's permission again. "
        "It is checked before every other frame too.",
    ),
    Setting(
        name="DYNAMO_STREAM_RETRY_SECONDS",
        default=3.0,
        type=(float, int),
        help="How long a client waits before it connects again: between half and one and a half of this, "
        "so that they do not all come back at once.",
    ),
    Setting(
        name="DYNAMO_STREAM_SEND_SECONDS",
        default=30.0,
        type=(float, int),
        help="A reader that takes nothing of what is sent to it for so long is cut off.",
    ),
    Setting(
        name="DYNAMO_STREAM_LIMIT",
        default=5000,
        type=int,
        help="How many streams one server process has open at most; 0 is no limit.",
    ),
    Setting(
        name="DYNAMO_STREAM_LIMIT_PER_USER",
        default=100,
        type=int,
        help="How many of them for one user; 0 is no limit.",
    ),
    Setting(
        name="DYNAMO_STREAM_LIMIT_PER_ADDRESS",
        default=0,
        type=int,
        help="How many of them from one address; 0 is no limit. Behind a proxy all have the proxy's, unless "
        "a middleware sets REMOTE_ADDR.",
    ),
    Setting(
        name="DYNAMO_REDIS_URL",
        default="",
        type=str,
        help="A Redis server by which processes wake each other's streams, as redis://host:6379. Without it "
        "PostgreSQL tells, and the slow poll finds the rest. Needs the package redis.",
    ),
)
BY_NAME: Final = {setting.name: setting for setting in SETTINGS}


def get(name: str) -> Any:
    """Read one setting by its full name."""
    return getattr(django_settings, name, BY_NAME[name].default)


@lru_cache(maxsize=1)
def database() -> str:
    """Asked by every request; it cannot change in a running project, and tests say so when they change it."""
    return str(get("DYNAMO_DATABASE"))


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "DYNAMO_DATABASE":
        database.cache_clear()


setting_changed.connect(_forget)


def full_label(label: str) -> str:
    """A label with its app, which is the default one unless it says another."""
    return label if "." in label else f"{default_app()}.{label}"


def names(label: str) -> tuple[str, str]:
    """What something of that full label may be called: also without the default app."""
    return label, label.removeprefix(f"{default_app()}.")


def default_app() -> str:
    return str(get("DYNAMO_DEFAULT_APP"))


def given() -> dict[str, Any]:
    """The DYNAMO_* settings that the project sets, known or not."""
    return {name: getattr(django_settings, name) for name in dir(django_settings) if name.startswith(PREFIX)}
