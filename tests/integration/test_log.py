"""The log: append-only by Python and by the database, gapless, and telling when it was tampered with."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from typing import Any

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F

import dynamo
from dynamo.exceptions import AppendOnly, DynamoError, SchemaRefused
from dynamo.models import MetaField, MetaModel
from events import audit, guards, store
from events.envelope import uuid7
from events.models import Head, SchemaEvent
from events.types import Context, RegistryTagged
from tests.integration.databases import sql
from tests.integration.making import add, everything, make, rename

pytestmark = pytest.mark.django_db(transaction=True)

TABLE = "dynamo_events_schemaevent"
REST = (
    """type, type_version, data, batch_id, correlation_id, causation_id, actor, source, reason, recorded_at"""
)
PYTHON = {
    "save": lambda event: event.save(),
    "save of a new one": lambda event: SchemaEvent(position=99).save(),
    "save_base": lambda event: event.save_base(raw=True),
    "delete": lambda event: event.delete(),
    "update": lambda event: SchemaEvent.objects.update(actor="x"),
    "filtered update": lambda event: SchemaEvent.objects.filter(pk=1).update(actor="x"),
    "queryset delete": lambda event: SchemaEvent.objects.all().delete(),
    "create": lambda event: SchemaEvent.objects.create(position=99),
    "bulk_create": lambda event: SchemaEvent.objects.bulk_create([event]),
    "bulk_update": lambda event: SchemaEvent.objects.bulk_update([event], ["actor"]),
    "get_or_create": lambda event: SchemaEvent.objects.get_or_create(position=99),
    "update_or_create": lambda event: SchemaEvent.objects.update_or_create(position=1),
}
UPSERT = f"""INSERT INTO {TABLE} SELECT * FROM {TABLE} WHERE position = 1
    ON CONFLICT (position) DO UPDATE SET actor = 'x'"""
# Every statement that changes or removes rows in the database's own way.
RAW_OF = {
    "sqlite": {
        "update or replace": f"UPDATE OR REPLACE {TABLE} SET position = 2 WHERE position = 1",
        "replace": f"INSERT OR REPLACE INTO {TABLE} SELECT * FROM {TABLE} WHERE position = 1",
        "replace by event_id": f"""INSERT OR REPLACE INTO {TABLE} SELECT 99, event_id, stream_id, 99, {REST},
            prev_hash, hash FROM {TABLE} WHERE position = 1""",
        "replace by version": f"""INSERT OR REPLACE INTO {TABLE} SELECT 99, 'x', stream_id, stream_version,
            {REST}, prev_hash, hash FROM {TABLE} WHERE position = 1""",
        "upsert": UPSERT,
    },
    "postgresql": {"upsert": UPSERT, "truncate": f"TRUNCATE {TABLE}"},
    "mysql": {
        "replace": f"REPLACE INTO {TABLE} SELECT * FROM {TABLE} WHERE position = 1",
        "upsert": f"""INSERT INTO {TABLE} SELECT * FROM {TABLE} WHERE position = 1
            ON DUPLICATE KEY UPDATE actor = 'x'""",
    },
}
RAW = {
    "update": f"UPDATE {TABLE} SET actor = 'x' WHERE position = 1",
    "delete": f"DELETE FROM {TABLE} WHERE position = 2",
    "delete all": f"DELETE FROM {TABLE}",
    **RAW_OF[connection.vendor],
}
# A copy of an event at another position, its chain continued as if it were genuine.
FORGED = f"""INSERT INTO {TABLE} SELECT %s, '{uuid.uuid4().hex}', stream_id, stream_version + 50,
    {REST}, hash, hash FROM {TABLE} WHERE position = %s"""
TAMPERED = {
    "event_id": str(uuid.UUID(int=7)).replace("-", ""),
    "stream_id": str(uuid.UUID(int=7)).replace("-", ""),
    "stream_version": 7,
    "type": "field.renamed",
    "type_version": 2,
    "data": b'{"after":{},"before":{}}',
    "batch_id": str(uuid.UUID(int=7)).replace("-", ""),
    "correlation_id": "x",
    "causation_id": "x",
    "actor": "x",
    "source": "x",
    "reason": "x",
    "recorded_at": "2001-01-01 00:00:00",
    "prev_hash": "f" * 64,
    "hash": "f" * 64,
}
NONSENSE: dict[str, Any] = {
    "type": "no.such",
    "type_version": 0,
    "data": b"\xff\x00{",
    "recorded_at": "yesterday",
}
if connection.vendor == "sqlite":  # which keeps a UUID as text
    NONSENSE |= {"event_id": "not a uuid", "stream_id": "not a uuid", "batch_id": ""}


@contextmanager
def tampered(*statements):
    """The report on a log that somebody with the database's password changed; it is put back afterwards."""
    with transaction.atomic():
        guards.remove(connection)
        for statement, *params in statements:
            sql(statement, *params)
        guards.install(connection)
        yield dynamo.verify()
        transaction.set_rollback(True)


@pytest.fixture
def log(transactional_db) -> list[SchemaEvent]:
    """Six events of two models."""
    book = make("Book", title="CharField", pages="IntegerField")
    rename(book.fields.get(name="title"), "name")
    make("Author", name="CharField")
    return list(SchemaEvent.objects.all())


@pytest.mark.parametrize("change", PYTHON.values(), ids=PYTHON)
def test_events_refuse_every_change_in_python(log, change):
    before = everything()
    with pytest.raises(AppendOnly):
        change(SchemaEvent.objects.get(pk=1))
    assert everything() == before


@pytest.mark.parametrize("manager", ["_base_manager", "_default_manager"])
def test_other_managers_get_no_further_than_the_triggers(log, manager):
    for change in (lambda rows: rows.update(actor="x"), lambda rows: rows.filter(pk=2).delete()):
        with pytest.raises((AppendOnly, DatabaseError)):
            change(getattr(SchemaEvent, manager).all())
    assert dynamo.verify().problems == []


@pytest.mark.parametrize("statement", RAW.values(), ids=RAW)
def test_the_database_refuses_raw_statements(log, statement):
    before = everything()
    with pytest.raises(DatabaseError, match="append-only"):
        sql(statement)
    assert everything() == before


def test_an_untouched_log_verifies(log):
    report = dynamo.verify()
    assert (report.ok, report.events, report.first_bad_position) == (True, 6, None)


def test_an_empty_log_verifies(transactional_db):
    assert dynamo.verify().ok


@pytest.mark.parametrize("position", [1, 3, 6])
@pytest.mark.parametrize("column", TAMPERED)
def test_verify_names_the_event_that_was_changed(log, column, position):
    statement = f"UPDATE {TABLE} SET {column} = %s WHERE position = %s"
    with tampered((statement, TAMPERED[column], position)) as report:
        assert (report.ok, report.first_bad_position) == (False, position)


@pytest.mark.parametrize("column", NONSENSE)
def test_verify_survives_nonsense_in_a_column(log, column):
    with tampered((f"UPDATE {TABLE} SET {column} = %s WHERE position = 3", NONSENSE[column])) as report:
        assert report.first_bad_position == 3


@pytest.mark.parametrize("position", [1, 3, 5])
def test_verify_names_the_first_missing_event(log, position):
    with tampered((f"DELETE FROM {TABLE} WHERE position = %s", position)) as report:
        assert report.first_bad_position == position


def test_verify_notices_a_missing_tail(log):
    with tampered((f"DELETE FROM {TABLE} WHERE position > 4",)) as report:
        assert report.first_bad_position == 5


def test_verify_notices_that_everything_is_gone(log):
    with tampered((f"DELETE FROM {TABLE}",)) as report:
        assert report.first_bad_position == 1


def test_verify_names_an_event_that_was_put_in(log):
    move = f"UPDATE {TABLE} SET position = position + %s WHERE position > %s"
    with tampered((move, 100, 3), (move, -99, 100), (FORGED, 4, 3)) as report:
        assert report.first_bad_position == 4


def test_verify_names_the_first_of_two_that_changed_places(log):
    move = f"UPDATE {TABLE} SET position = %s WHERE position = %s"
    with tampered((move, 99, 3), (move, 3, 4), (move, 4, 99)) as report:
        assert report.first_bad_position == 3


def test_verify_notices_a_forged_tail(log):
    with tampered((FORGED, 7, 6)) as report:
        assert report.first_bad_position == 7


@pytest.mark.parametrize(
    ("assignment", "position"),
    [
        ("position = 9", 7),
        ("position = 4", 5),
        ("hash = 'x'", 7),
        (f"registry_id = '{uuid.UUID(int=7).hex}'", 1),
    ],
)
def test_verify_notices_a_changed_head(log, assignment, position):
    with tampered((f"UPDATE dynamo_events_head SET {assignment}",)) as report:
        assert report.first_bad_position == position


@pytest.mark.needs("sqlite")
@pytest.mark.parametrize(
    ("statement", "position"),
    [
        (f"UPDATE {TABLE} SET stream_version = 'x' WHERE position = 2", 2),
        ("UPDATE dynamo_events_head SET registry_id = 'x'", 1),
        ("UPDATE dynamo_metamodel SET id = 'x' WHERE name = 'Author'", None),
    ],
)
def test_verify_survives_nonsense_anywhere(log, statement, position):
    with tampered(("PRAGMA defer_foreign_keys = ON",), (statement,)) as report:
        assert (report.ok, report.first_bad_position) == (False, position)


def test_verify_notices_a_missing_head(log):
    with tampered(("DELETE FROM dynamo_events_head",)) as report:
        assert report.first_bad_position == 1


@pytest.mark.parametrize(
    "statement", [drop for drop in guards.REMOVE[connection.vendor] if drop.startswith("DROP TRIGGER")]
)
def test_verify_notices_a_missing_trigger(log, statement):
    with transaction.atomic():
        sql(statement)
        assert not dynamo.verify().ok
        transaction.set_rollback(True)


@pytest.mark.needs("sqlite")
def test_verify_notices_a_trigger_that_was_replaced_by_one_that_does_nothing(log):
    with transaction.atomic():
        sql("DROP TRIGGER dynamo_events_no_update")
        sql(f"CREATE TRIGGER dynamo_events_no_update BEFORE UPDATE ON {TABLE} BEGIN SELECT 1; END")
        assert not dynamo.verify().ok
        transaction.set_rollback(True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE dynamo_metafield SET help = 'x' WHERE name = 'name'",
        "UPDATE dynamo_metamodel SET description = 'x'",
        "DELETE FROM dynamo_metafield WHERE name = 'pages'",
        "ALTER TABLE dynamic_book DROP COLUMN pages",
        "ALTER TABLE dynamic_book ADD COLUMN more integer NULL",
        "ALTER TABLE dynamic_book RENAME COLUMN pages TO leaves",
        "DROP TABLE dynamic_author",
    ],
)
def test_verify_notices_rows_and_tables_that_say_something_else_than_the_log(log, statement):
    with tampered((statement,)) as report:
        assert (report.ok, report.first_bad_position) == (False, None)


@pytest.mark.parametrize(
    "statement",
    [
        (f"UPDATE {TABLE} SET data = %s WHERE position = 3", "ff"),
        (f"DELETE FROM {TABLE} WHERE position = 1",),
        ("DELETE FROM dynamo_events_head",),
    ],
)
def test_flush_empties_a_corrupt_log_too(project, statement):
    made = """
        from django.core.management import call_command
        from events import guards
        make("Book", title="CharField", author={"type": "ForeignKey", "related_model": "auth.User"})
        guards.remove(connection)
        sql(sys.argv[1], *map(bytes.fromhex, sys.argv[2:]))
        guards.install(connection)
        call_command("flush", verbosity=0, interactive=False)
        assert dynamo.history() == [] and dynamo.verify().problems == []
        print(make("Book", title="CharField").get_model().objects.create(title="x").pk)
    """
    assert project.run(made, *statement) == "1"


def test_positions_and_versions_have_no_gaps(log):
    book, author = MetaModel.objects.order_by("name").reverse()
    for name in ("a", "b"):
        add(author, name)
        add(book, name)
    with pytest.raises(Exception, match="is taken"):
        add(book, "a")
    assert list(SchemaEvent.objects.values_list("position", flat=True)) == list(range(1, 11))
    for meta in (book, author):
        versions = [event.stream_version for event in meta.history()]
        assert versions == list(range(1, meta.version + 1))


def test_the_head_is_the_last_event(log):
    assert Head.objects.values_list("position", "hash").get() == (6, log[-1].hash)


def test_every_event_of_one_change_set_has_its_context(log):
    with (
        dynamo.acting(actor="7", source="import", correlation_id="c", causation_id="d"),
        dynamo.batch(reason="because"),
    ):
        make("Shelf", label="CharField")
    contexts = {event.context for event in dynamo.history()[6:]}
    (context,) = contexts
    assert (context.actor, context.source, context.reason) == ("7", "import", "because")
    assert (context.correlation_id, context.causation_id) == ("c", "d")


def test_a_batch_in_a_batch_has_its_own_reason_where_the_outer_one_has_none(log):
    with dynamo.batch():
        make("A")
        with dynamo.batch(reason="inner"):
            make("B")
        with dynamo.batch(reason="x" * 600), dynamo.batch(reason="innermost"):
            make("C")
        make("D")
    with dynamo.batch(reason="outer"), dynamo.batch(reason="inner"):
        make("E")
    found = dynamo.history()[6:]
    assert [event.reason for event in found] == ["", "inner", "x" * 500, "", "outer"]
    assert len({event.batch_id for event in found}) == 2
    assert dynamo.verify().ok


def append(ids, tag="v1"):
    at, now = store.lock("default")
    events = [RegistryTagged(stream_id=at.registry_id, after={"tag": f"{tag}{n}"}) for n in range(len(ids))]
    return store.append("default", at, now, events, Context(batch_id=uuid7()), event_ids=ids)


def test_appending_the_same_event_ids_again_returns_what_was_recorded(log):
    ids = [uuid7(), uuid7()]
    with transaction.atomic():
        first = append(ids)
    with transaction.atomic():
        again = append(ids)
    assert [event.hash for event in first] == [event.hash for event in again]
    assert (SchemaEvent.objects.count(), audit.verify("default").problems) == (8, [])


@pytest.mark.parametrize("known_first", [True, False])
def test_appending_known_and_unknown_event_ids_together_is_refused(log, known_first):
    old = uuid7()
    with transaction.atomic():
        append([old])
    with pytest.raises(DynamoError), transaction.atomic():
        append(sorted([old, uuid7()], reverse=not known_first))
    assert (SchemaEvent.objects.count(), audit.verify("default").ok) == (7, True)


def test_appending_one_event_id_twice_in_one_go_is_refused(log):
    one = uuid7()
    with pytest.raises((DynamoError, DatabaseError)), transaction.atomic():
        append([one, one])
    assert SchemaEvent.objects.count() == 6


def test_event_ids_sort_by_the_time_they_were_made():
    ids = [uuid.UUID(uuid7()) for _ in range(100)]
    assert {(one.version, one.variant) for one in ids} == {(7, uuid.RFC_4122)}
    stamps = [one.int >> 80 for one in ids]
    assert stamps == sorted(stamps)


# -- the meta models' querysets ------------------------------------------------------------------------


def test_updating_a_queryset_of_meta_rows_records_each_change_in_one_set(log):
    assert MetaField.objects.filter(meta_model__name="Book").update(required=False, help="x") == 2
    events = dynamo.history()[6:]
    assert [event.type for event in events] == ["field.altered"] * 2
    assert len({event.context.batch_id for event in events}) == 1
    assert dynamo.verify().problems == []


def test_updating_a_queryset_with_an_expression_never_diverges(log):
    with pytest.raises(Exception, match="order"):
        MetaField.objects.update(order=F("order") + 1)
    assert (dynamo.verify().problems, SchemaEvent.objects.count()) == ([], 6)


def test_deleting_a_queryset_of_meta_rows_retires_them(log):
    count, by_label = MetaField.objects.filter(meta_model__name="Book").delete()
    assert (count, by_label) == (2, {"dynamo.MetaField": 2})
    assert [event.type for event in dynamo.history()[6:]] == ["field.retired"] * 2
    assert dynamo.verify().problems == []


def test_deleting_an_empty_queryset_changes_nothing(log):
    before = everything()
    assert MetaField.objects.filter(name="nope").delete()[0] == 0
    assert everything() == before


def test_bulk_create_records_every_row(log):
    book = MetaModel.objects.get(name="Book")
    rows = [MetaField(meta_model=book, name=name, type="IntegerField") for name in ("a", "b")]
    assert MetaField.objects.bulk_create(rows) == rows
    assert {f.name for f in book.get_model()._meta.fields} == {"id", "name", "pages", "a", "b"}
    assert dynamo.verify().problems == []


def test_bulk_create_that_fails_half_way_leaves_no_trace(log):
    book, before = MetaModel.objects.get(name="Book"), everything()
    rows = [MetaField(meta_model=book, name=name, type="IntegerField") for name in ("a", "pages")]
    with pytest.raises(Exception, match="pages"):
        MetaField.objects.bulk_create(rows)
    assert everything() == before


def test_bulk_create_refuses_to_ignore_or_update_conflicts(log):
    row = MetaModel(name="Other")
    with pytest.raises(SchemaRefused):
        MetaModel.objects.bulk_create([row], ignore_conflicts=True)
    with pytest.raises(SchemaRefused):
        MetaModel.objects.bulk_create(
            [row], update_conflicts=True, unique_fields=["id"], update_fields=["name"]
        )


def test_bulk_update_records_the_named_attributes(log):
    rows = list(MetaField.objects.filter(meta_model__name="Book"))
    for row in rows:
        row.help = row.description = "x"
    assert MetaField.objects.bulk_update(rows, ["help"]) == 2
    assert set(MetaField.objects.filter(meta_model__name="Book").values_list("help", "description")) == {
        ("x", "")
    }
    assert dynamo.verify().problems == []


@pytest.mark.parametrize("manager", ["objects", "_base_manager", "_default_manager"])
def test_every_manager_of_the_meta_models_takes_the_door(log, manager):
    getattr(MetaField, manager).filter(name="pages").update(help="x")
    assert dynamo.history()[-1].type == "field.altered"
    getattr(MetaModel, manager).filter(name="Author").delete()
    assert dynamo.history()[-1].type == "model.retired"
    assert dynamo.verify().problems == []


def test_the_fields_of_a_model_are_added_and_removed_through_the_door(log):
    author = MetaModel.objects.get(name="Author")
    author.fields.create(name="born", type="DateField")
    author.fields.get_or_create(name="died", defaults={"type": "DateField"})
    author.fields.update_or_create(name="died", defaults={"help": "empty if alive"})
    author.fields.filter(name="born").delete()
    names = ["field.added", "field.added", "field.altered", "field.retired"]
    assert [event.type for event in dynamo.history()[6:]] == names
    assert dynamo.verify().problems == []


def test_a_fixture_of_meta_rows_is_refused_and_leaves_no_trace(log, tmp_path):
    before = everything()
    row = {
        "model": "dynamo.metamodel",
        "pk": str(uuid.uuid4()),
        "fields": {"name": "Sneaky", "app": "dynamic"},
    }
    path = tmp_path / "fixture.json"
    path.write_text(json.dumps([row]))
    with pytest.raises(SchemaRefused, match="fixture"):
        call_command("loaddata", str(path), verbosity=0)
    assert everything() == before


def test_a_fixture_of_events_is_refused(log):
    text = serializers.serialize("json", SchemaEvent.objects.filter(pk=1))
    for loaded in serializers.deserialize("json", text):
        with pytest.raises(AppendOnly):
            loaded.save()
