"""`manage.py dynamo`: each subcommand in words and as JSON, and its exit code."""

from __future__ import annotations

import io
import json
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, ManagementUtility, call_command
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
    for command in ("show", "log"):
        with pytest.raises(CommandError, match=r"^there is no model 'Nope'$"):
            run(command, "Nope")
    with pytest.raises(CommandError, match=r"^there was no model 'Nope' at 0$"):
        run("show", "Nope", "--at", "0")


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


# -- plan ------------------------------------------------------------------------------------------


@pytest.fixture
def proposal(tmp_path: Path) -> Callable[[Any], str]:
    """Write a proposal to a file and return its path."""

    def write(document: Any) -> str:
        path = tmp_path / "changes.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    return write


def code_of(*args: str) -> tuple[Any, list[str]]:
    """The exit code of a command, 0 for none, and the lines that it printed."""
    out = io.StringIO()
    try:
        call_command("dynamo", *args, stdout=out)
    except SystemExit as done:
        return done.code, out.getvalue().splitlines()
    return 0, out.getvalue().splitlines()


ISBN = {"model": "Book", "field": "isbn", "set": {"type": "CharField"}}


def test_plan_exits_with_0_when_there_is_nothing_to_do(book, proposal):
    same = {"model": "Book", "field": "title", "set": {"required": True}}
    for document in ([], [same]):
        assert code_of("plan", proposal(document)) == (0, ["nothing to do"])


def test_plan_exits_with_2_when_something_would_be_done_and_does_not_do_it(book, proposal):
    code, lines = code_of("plan", proposal([ISBN]))
    assert code == 2
    assert lines[0] == "SAFE         add field dynamic.Book.isbn (CharField)"
    assert lines[-1].startswith("token        ")
    assert [f.name for f in book.fields.all()] == ["title"]


def test_plan_exits_with_3_when_values_would_be_lost(book, proposal):
    run("retire", "Book.title")
    code, lines = code_of("plan", proposal([{"model": "Book", "field": "title", "do": "purge"}]))
    assert (code, lines[0]) == (3, "DESTRUCTIVE  drop field dynamic.Book.title")


def test_plan_exits_with_1_when_rows_stand_in_the_way_and_says_which(book, proposal):
    book.get_model().objects.create(title="many")
    change = {"model": "Book", "field": "title", "set": {"type": "IntegerField", "options": {}}}
    code, lines = code_of("plan", proposal([change]))
    assert code == 1
    assert lines[0].startswith(
        "REFUSED      dynamic.Book.title: 1 value does not fit IntegerField, such as 'many'"
    )
    assert "[rows: 0 converts, 1 fails]" in lines[1]


def test_plan_as_json_is_one_document(book, proposal):
    code, lines = code_of("plan", proposal([ISBN]), "--json")
    (document,) = map(json.loads, lines)
    assert (code, document["risk"], document["position"]) == (2, "safe", 2)
    assert document["operations"][0]["sentence"] == "add field dynamic.Book.isbn (CharField)"
    assert sorted(document["sql"]) == ["mysql", "postgresql", "sqlite"]
    assert document["hash"] == json.loads(code_of("plan", proposal([ISBN]), "--json")[1][0])["hash"]


def test_plan_shows_statements_when_asked_to(book, proposal):
    _, lines = code_of("plan", proposal([ISBN]), "--sql")
    assert [line for line in lines if line.startswith("sql ") and "ADD COLUMN" in line]


def test_plan_reads_stdin(book, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps([ISBN]).encode())))
    assert code_of("plan", "-")[0] == 2


def test_plan_takes_models_fields_and_deeds_in_one_proposal(book, proposal):
    run("retire", "Book.title")
    changes = [
        {"model": "Shelf", "set": {"description": "Where books are."}},
        {
            "model": "Shelf",
            "field": "place",
            "set": {"type": "CharField", "required": True},
            "backfill": "hall",
        },
        {"model": "Book", "field": "title", "do": "restore", "name": "name"},
        {"model": "Book", "field": "name", "set": {"help": "On the spine."}},
        {"model": "Shelf", "field": "place", "do": "retire"},
    ]
    code, lines = code_of("plan", proposal(changes))
    assert code == 2
    assert [line[13:] for line in lines if line.startswith(("SAFE", "REVIEW"))] == [
        "add model dynamic.Shelf",
        "add field dynamic.Shelf.place (CharField)",
        "restore field dynamic.Book.name",
        "change field dynamic.Book.name: help from '' to 'On the spine.'",
        "retire field dynamic.Shelf.place",
    ]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "not JSON"),
        ("", "not JSON"),
        ({}, "a JSON list of changes"),
        ([1], "change 1 must be an object that names a model"),
        ([{"field": "x", "set": {}}], "change 1 must be an object that names a model"),
        ([{"model": 5, "set": {}}], "change 1 must be an object that names a model"),
        ([ISBN, {"model": "Book", "field": 5, "set": {}}], "change 2: field and name are texts"),
        ([{"model": "Book"}], "change 1 needs either set"),
        ([{"model": "Book", "set": []}], "change 1 needs either set"),
        ([{"model": "Book", "set": {}, "do": "retire"}], "change 1 needs either set"),
        ([{"model": "Book", "do": "drop"}], "do with one of retire, restore, purge"),
        ([{"model": "Book", "do": ["retire"]}], "do with one of retire, restore, purge"),
        ([{"model": "Book", "set": {}, "colour": "red", "size": 1}], "change 1 has colour, size"),
        (
            [{"model": "Book", "set": {}, "backfill": 1}],
            "change 1 has backfill; known here are model, field, set",
        ),
        ([{"model": "Book", "do": "retire", "backfill": 1}], "change 1 has backfill"),
        ([{"model": "Book", "do": "restore", "error_value": 1}], "change 1 has error_value"),
        (
            [{"model": "Book", "set": {"colour": "red"}}],
            "'colour' is no attribute of a model; there are name",
        ),
        (
            [{"model": "Book", "field": "title", "set": {"meta_model": 1}}],
            "'meta_model' is no attribute of a field",
        ),
        ([{"model": "Nope", "field": "title", "set": {}}], "there is no model 'Nope'"),
        ([{"model": "book", "do": "retire"}], "there is no model or field 'book'"),
        ([{"model": "Book", "field": "Title", "do": "retire"}], "there is no model or field 'Book.Title'"),
        ([{"model": "Book", "field": "pages", "set": {"type": "Nope"}}], "Nope"),
        ([{"model": "Book", "do": "restore"}], "nothing that was retired is called 'Book'"),
    ],
    ids=json.dumps,
)
def test_plan_of_what_is_no_proposal_is_an_error_that_says_where(book, proposal, document, words):
    with pytest.raises(CommandError, match=re.escape(words)):
        run("plan", proposal(document))
    assert store.head("default").position == 2


def test_plan_of_a_file_that_is_not_there_is_an_error(tmp_path, capsys):
    assert code_of("plan", str(tmp_path / "nothing.json"))[0] == 1
    assert "nothing.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    "args", [(), ("nope",), ("--nope",), ("log", "--nope"), ("show", "--at")], ids=" ".join
)
def test_bad_arguments_exit_with_1_as_2_means_that_changes_are_pending(args, capsys):
    with pytest.raises(SystemExit) as done:
        ManagementUtility(["manage.py", "dynamo", *args]).execute()
    assert done.value.code == 1
    assert ": error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "least"),
    [
        (("log", "--limit", "-1"), 0),
        (("log", "--after", "x"), 0),
        (("retired", "--older-than", "-1"), 0),
        (("token", "alice", "--seconds", "-5"), 1),
        (("token", "alice", "--seconds", "0"), 1),
    ],
    ids=str,
)
def test_a_number_that_is_too_small_is_told_the_least(args, least, capsys):
    assert code_of(*args)[0] == 1
    told = f"must be a whole number, {least} or more; not {args[-1]!r}"
    assert told in capsys.readouterr().err


def test_help_exits_with_0(capsys):
    with pytest.raises(SystemExit) as done:
        ManagementUtility(["manage.py", "dynamo", "--help"]).execute()
    assert done.value.code == 0
    assert "Check the log" in capsys.readouterr().out


# -- retire, restore, purge ------------------------------------------------------------------------


def test_retire_and_restore_bring_a_field_away_and_back_with_its_values(book):
    row = book.get_model().objects.create(title="Emma")
    assert run("retire", "Book.title") == "retired dynamic.Book.title; `dynamo restore` brings it back\n"
    assert book.fields.count() == 0
    (told,) = documents("restore", "dynamic.Book.title", "--name", "name")
    assert told == {"restored": "dynamic.Book.title", "id": str(book.fields.get().pk)}
    assert book.get_model().objects.get(pk=row.pk).name == "Emma"
    last = dynamo.history()[-1]
    assert (last.type, last.source, last.actor.partition(":")[0]) == ("field.restored", "command", "os")


def test_retire_and_restore_say_the_whole_label(book):
    assert run("retire", "Book").startswith("retired dynamic.Book; ")
    assert run("restore", "Book") == "restored dynamic.Book\n"
    run("retire", "Book.title")
    assert run("restore", "Book.title", "--name", "name") == "restored dynamic.Book.name\n"


def test_restore_takes_a_value_for_rows_written_meanwhile_as_json(book):
    run("retire", "Book.title")
    book.get_model().objects.create()
    with pytest.raises(CommandError, match="1 row has no value"):
        run("restore", "Book.title")
    assert code_of("restore", "Book.title", "--backfill", "none")[0] == 1
    run("restore", "Book.title", "--backfill", '"none"')
    assert book.get_model().objects.get().title == "none"


def test_restore_empties_lost_references_when_told_to(book):
    MetaModel.objects.create(name="Author")
    author = dynamo.get_model("Author")
    MetaField.objects.create(meta_model=book, name="author", type="ForeignKey", related_model="Author")
    book.get_model().objects.create(title="Emma", author=author.objects.create())
    run("retire", "Book.author")
    author.objects.all().delete()
    with pytest.raises(CommandError, match="1 row refers to ids"):
        run("restore", "Book.author")
    run("restore", "Book.author", "--null")
    assert book.get_model().objects.get().author is None


def test_purge_exits_with_3_until_it_is_confirmed(book):
    run("retire", "Book")
    code, lines = code_of("purge", "Book")
    assert (code, lines[0]) == (3, "would drop model dynamic.Book with 0 rows, for good")
    first = json.loads(code_of("purge", "Book", "--json")[1][0])
    assert first == {"unconfirmed": "dynamic.Book", "values": 0}
    assert dynamo.history()[-1].type == "model.retired"
    assert documents("purge", "Book", "--yes") == [{"purged": "dynamic.Book", "values": 0}]
    assert dynamo.history()[-1].type == "model.purged"


@pytest.mark.parametrize("args", [("retire", "Nope"), ("restore", "Nope"), ("purge", "Nope", "--yes")])
def test_what_is_not_there_is_an_error_that_names_it(book, args):
    with pytest.raises(CommandError, match="'Nope'"):
        run(*args)


def test_purge_of_what_is_not_there_is_an_error_before_it_asks_for_confirmation(book):
    with pytest.raises(CommandError, match="nothing that was retired is called 'Book'"):
        run("purge", "Book")


def test_a_refused_retirement_is_an_error_with_the_way_out(book):
    MetaField.objects.create(
        meta_model=MetaModel.objects.create(name="Review"),
        name="book",
        type="ForeignKey",
        related_model="Book",
    )
    with pytest.raises(
        CommandError, match=r"referred to by dynamic\.Review\.book; retire these fields first"
    ):
        run("retire", "Book")


# -- doctor, where schema statements commit by themselves ------------------------------------------

KILLED = """
    def kill(execute, sql, *rest):
        if "ALTER TABLE" in sql:
            os.kill(os.getpid(), signal.SIGKILL)
        return execute(sql, *rest)

    book = make("Book", title="CharField")
    book.get_model().objects.create(title="Emma")
    with connection.execute_wrapper(kill):
        add(book, "pages", "IntegerField", required=True, backfill=7)
"""


@pytest.mark.needs("mysql")
def test_doctor_reports_what_a_killed_process_left_and_finishes_it(project):
    process = project.start(KILLED)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    for _ in range(2):
        found = project.manage("dynamo", "doctor", "--json")
        assert found.returncode == 1, found.stderr
        told = [json.loads(line) for line in found.stdout.splitlines()]
        assert {"problem": "pending", "steps": 2} in told
        assert {"remedy": "--fix"} in told
    fixed = project.manage("dynamo", "doctor", "--fix")
    assert (fixed.returncode, fixed.stdout.splitlines()) == (
        0,
        ["finished an interrupted change, which needed 2 steps", "all is well"],
    )
    assert project.manage("dynamo", "doctor").stdout.splitlines() == ["all is well"]
    assert project.run("print(dynamo.get_model('Book').objects.get().pages)") == "7"


@pytest.mark.needs("mysql")
def test_whoever_comes_first_finishes_what_a_killed_process_left(project):
    project.start(KILLED).communicate(timeout=60)
    assert project.run("print(dynamo.get_model('Book').objects.get().pages)") == "7"
    assert project.manage("dynamo", "doctor").stdout.splitlines() == ["all is well"]


def test_doctor_offers_statements_for_what_somebody_dropped(book: Any) -> None:
    MetaField.objects.create(meta_model=book, name="pages", type="IntegerField")
    MetaModel.objects.create(name="Other")
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE dynamic_other")
        cursor.execute("ALTER TABLE dynamic_book DROP COLUMN pages")
    code, lines = code_of("doctor")
    assert code == 1
    statements = [line.strip().rstrip(";") for line in lines if line.startswith("  ")]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    assert dynamo.verify().problems == []
