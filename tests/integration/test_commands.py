"""`manage.py dynamo`: each subcommand in words and as JSON, and its exit code."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

import dynamo
from dynamo.models import MetaField, MetaModel
from events import guards, store

pytestmark = pytest.mark.django_db(transaction=True)


def run(*args: str) -> str:
    out = io.StringIO()
    call_command("dynamo", *args, stdout=out)
    return out.getvalue()


def documents(*args: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run(*args, "--json").splitlines()]


@pytest.fixture
def book() -> Any:
    with dynamo.batch(reason="first <b>draft</b>"):
        meta = MetaModel.objects.create(name="Book")
        MetaField.objects.create(meta_model=meta, name="title", type="CharField", required=True)
    return meta


def test_log_lists_events_in_order_with_who_and_why(book: Any) -> None:
    MetaModel.objects.create(name="Other")
    assert [d["type"] for d in documents("log")] == ["model.created", "field.added", "model.created"]
    assert [d["position"] for d in documents("log", "Book")] == [1, 2]
    assert [d["position"] for d in documents("log", "--after", "1", "--limit", "1")] == [2]
    assert "first <b>draft</b>" in run("log").splitlines()[0]


def test_show_gives_the_schema_now_and_as_it_was(book: Any) -> None:
    MetaField.objects.create(meta_model=book, name="pages", type="IntegerField")
    assert [f["name"] for f in documents("show", "Book")[0]["fields"]] == ["title", "pages"]
    assert [f["name"] for f in documents("show", "dynamic.Book", "--at", "2")[0]["fields"]] == ["title"]
    assert "title: CharField required" in run("show")


def test_show_of_a_model_that_is_not_there_is_an_error() -> None:
    with pytest.raises(CommandError, match="there is no model 'Nope'"):
        run("show", "Nope")


def test_verify_says_that_all_is_well_or_exits_with_1(book: Any) -> None:
    assert documents("verify") == [{"ok": True, "events": 2, "first_bad_position": None, "problems": []}]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE dynamo_metafield SET help = 'changed behind our back'")
    with pytest.raises(SystemExit) as exit_info:
        run("verify")
    assert exit_info.value.code == 1


def test_doctor_names_what_is_wrong_and_mends_what_is_safe(book: Any) -> None:
    assert "all is well" in run("doctor")
    guards.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dynamo_metafield")
    with pytest.raises(SystemExit):
        run("doctor")
    assert "all is well" in run("doctor", "--fix")
    assert guards.present(connection)
    assert MetaField.objects.get().name == "title"


def test_rebuild_writes_the_meta_rows_anew_from_the_log_and_keeps_data(book: Any) -> None:
    row = book.get_model().objects.create(title="Emma")
    keys = (book.pk, book.fields.get().pk)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM dynamo_metafield")
        cursor.execute("DELETE FROM dynamo_metamodel")
    assert documents("rebuild") == [{"rows": 2, "position": 2}]
    assert (MetaModel.objects.get().pk, MetaField.objects.get().pk) == keys
    assert dynamo.get_model("Book").objects.get() == row
    assert dynamo.verify().problems == []


def test_a_change_made_by_code_says_so_and_one_made_by_a_context_names_its_origin(book: Any) -> None:
    with dynamo.acting(actor="worker-7", source="import", reason="nightly", correlation_id="c-1"):
        MetaField.objects.create(meta_model=book, name="pages", type="IntegerField")
    found = list(store.read("default"))
    assert found[0].context.source == "code"
    last = found[-1].context
    assert (last.actor, last.source, last.reason, last.correlation_id) == (
        "worker-7",
        "import",
        "nightly",
        "c-1",
    )
