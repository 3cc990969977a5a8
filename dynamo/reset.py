"""Forget everything: for `flush`, and with it every TransactionTestCase of a project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connections

from dynamo.models import MetaField, MetaModel
from events import store
from events.schema import MANY_TO_MANY
from events.types import Event


def generated_tables(using: str) -> list[str]:
    """The tables that the log ever named and that are there, tombstones included.

    The events are asked one by one and not folded: a log that no longer holds together can be emptied too.
    Tables of hand-written models are left out, whatever the log says.
    """
    connection = connections[using]
    with connection.cursor() as cursor:
        present = set(connection.introspection.table_names(cursor))
    own = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    named = {name for event in store.readable(using) for name in _named(event)}
    return sorted(((named | _of_rows(using)) & present) - own)


def drop(using: str, tables: list[str]) -> None:
    connection = connections[using]
    with connection.constraint_checks_disabled(), connection.cursor() as cursor:
        # PostgreSQL enforces foreign keys all the same, unless they may go with the table.
        words = " CASCADE" if connection.vendor == "postgresql" else ""
        for name in tables:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name(name)}{words}")


def _of_rows(using: str) -> set[str]:
    """The tables of the meta rows, for a log that lost events."""
    names = {
        f"{app}_{name}".lower() for app, name in MetaModel.objects.using(using).values_list("app", "name")
    }
    links = MetaField.objects.using(using).filter(type=MANY_TO_MANY)
    for app, model, field in links.values_list("meta_model__app", "meta_model__name", "name"):
        names.add(f"{app}_{model.lower()}_{field}")
    return names


def _named(event: Event) -> Iterator[str]:
    for side in (event.before, event.after, getattr(event, "kept", None) or {}):
        names: list[Any] = [side.get("db_table"), side.get("table")]
        tables = side.get("tables")
        names += [link.get("table") for link in tables.values()] if isinstance(tables, dict) else []
        yield from (name for name in names if isinstance(name, str) and name)
