"""`manage.py dynamo`: what goes back in time, what carries a schema elsewhere, and what proves the past."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import orjson
import pytest
from django.core.management import CommandError
from django.db import connection

import dynamo
from dynamo.models import MetaField, MetaModel
from events import guards
from projections import pipeline
from tests.integration.agreement import settled
from tests.integration.databases import sql
from tests.integration.making import add, alter, everything, make, rename
from tests.integration.test_commands import code_of, documents, run
from tests.integration.test_documents import empty

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def book(transactional_db) -> MetaModel:
    meta = make("Book", title="CharField", isbn="CharField")
    meta.get_model().objects.create(title="Emma", isbn="1")
    run("tag", "first", "--note", "as it began")
    rename(meta.fields.get(name="title"), "name")
    meta.fields.get(name="isbn").delete()
    return meta


def test_tags_are_given_and_listed(book):
    assert documents("tag") == [{"tag": "first", "position": 3}]
    assert documents("tag", "second", "--at", "first") == [{"tag": "second", "position": 3}]
    with pytest.raises(CommandError, match="a tag 'first' already, at position 3"):
        run("tag", "first")
    assert "tagged" in run("log")


def test_a_registry_without_a_change_has_no_tags(transactional_db):
    assert run("tag") == ""
    assert dynamo.tags() == {}


def test_what_is_no_tag_where_there_are_none_yet_is_told_so(transactional_db):
    with pytest.raises(CommandError, match="'nope' is no tag, position or time; there are no tags yet"):
        run("diff", "nope")


def test_diff_names_what_separates_two_moments(book):
    assert run("diff", "first").splitlines() == [
        "removed field dynamic.Book.isbn",
        "renamed field dynamic.Book.title to name",
    ]
    assert {d["kind"] for d in documents("diff", "first", "5")} == {"renamed"}
    assert run("diff", "3", "first") == ""
    with pytest.raises(CommandError, match="no tag, position or time; there are tags: first"):
        run("diff", "nope")


def test_the_log_calls_things_by_the_names_that_they_had(book):
    rename(book, "Volume")
    lines = run("log").splitlines()
    assert [line.split()[3] for line in lines] == [
        "dynamic.Book",
        "dynamic.Book.title",
        "dynamic.Book.isbn",
        "(command",
        "dynamic.Book.name",
        "dynamic.Book.isbn",
        "dynamic.Volume",
    ]
    assert run("log", "--after", "5").splitlines() == lines[5:]
    assert run("log", "Volume").splitlines() == [line for line in lines if "(command" not in line]


def test_show_as_of_a_tag(book):
    (model,) = documents("show", "--at", "first")
    assert [f["name"] for f in model["fields"]] == ["title", "isbn"]


def test_rollback_shows_its_plan_and_does_it(book):
    state = everything()
    code, lines = code_of("rollback", "first", "--plan")
    assert (code, everything() == state) == (2, True)
    assert any("restore field dynamic.Book.isbn" in line for line in lines)
    run("rollback", "first")
    assert list(dynamo.get_model("Book").objects.values_list("title", "isbn")) == [("Emma", "1")]
    assert "nothing to do" in run("rollback", "first")
    assert dynamo.history()[-1].source == "command"
    settled()


def test_rollback_that_loses_values_exits_with_3_until_it_is_confirmed(book):
    meta = make("Page", number="IntegerField")
    before = str(dynamo.history()[-1].position)
    alter(meta.fields.get(), type="CharField", options={})
    meta.get_model().objects.create(number="ten")
    state = everything()
    assert code_of("rollback", before, "--model", "Page")[0] == 1
    assert code_of("rollback", before, "--model", "Page", "--null")[0] == 3
    assert everything() == state
    assert code_of("rollback", before, "--model", "Page", "--null", "--yes")[0] == 0
    assert MetaField.objects.get(meta_model=meta).type == "IntegerField"


def test_rollback_takes_values_for_rows(book):
    make("Page", number={"type": "IntegerField", "required": True})
    before = str(dynamo.history()[-1].position)
    meta = MetaModel.objects.get(name="Page")
    meta.fields.get().delete()
    meta.get_model().objects.create()
    assert code_of("rollback", before)[0] == 1
    with pytest.raises(CommandError, match=r"give app\.Model\.field=JSON"):
        run("rollback", before, "--backfill", "nope")
    run("rollback", before, "--backfill", "Page.number=7")
    assert dynamo.get_model("Page").objects.get().number == 7


def test_rollback_refuses_another_plan_than_the_one_that_was_looked_at(book):
    token = json.loads(code_of("rollback", "first", "--plan", "--json")[1][0])["token"]
    add(book, "pages", "IntegerField")
    with pytest.raises(CommandError, match=r"added field dynamic\.Book\.pages"):
        run("rollback", "first", "--expected", token)


def test_what_one_database_exports_another_applies(book, tmp_path):
    written = run("export")
    empty()
    file = tmp_path / "schema.json"
    file.write_text(written)
    assert code_of("apply", str(file), "--plan")[0] == 2
    run("apply", str(file))
    assert run("export") == written
    assert "nothing to do" in run("apply", str(file), "--mode", "mirror")
    settled()


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_files_and_folders_are_read_again(book, tmp_path, ending):
    written = run("export")
    file = tmp_path / f"schema.{ending}"
    run("export", "--output", str(file), *(["--yaml"] if ending == "yaml" else []))
    make("Other", a="CharField")
    folder = tmp_path / "models"
    run("export", "--folder", str(folder))
    assert sorted(p.name for p in folder.iterdir()) == ["dynamic.Book.json", "dynamic.Other.json"]
    run("apply", str(file), "--mode", "mirror")
    assert run("export") == written
    run("apply", str(folder))
    assert sorted(MetaModel.objects.values_list("name", flat=True)) == ["Book", "Other"]


@pytest.mark.parametrize("text", ["{", "[]", "{}", "!!python/object/apply:os.system ['true']"])
def test_a_file_that_is_no_document_is_an_error(book, tmp_path, text):
    state = everything()
    for name in ("x.json", "x.yaml"):
        (tmp_path / name).write_text(text)
        with pytest.raises(CommandError):
            run("apply", str(tmp_path / name))
    with pytest.raises(CommandError, match="cannot be read"):
        run("apply", str(tmp_path / "nowhere"))
    assert everything() == state


def test_a_folder_holds_the_models_that_are_there_and_nothing_else_of_ours(book, tmp_path):
    make("Other", a="CharField")
    run("export", "--folder", str(tmp_path))
    (tmp_path / "package.json").write_text('{"name": "x"}')
    MetaModel.objects.get(name="Other").delete()
    rename(book, "Volume")
    run("export", "--folder", str(tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["dynamic.Volume.json", "package.json"]
    (tmp_path / "package.json").unlink()
    assert "nothing to do" in run("apply", str(tmp_path), "--mode", "mirror")


def test_what_cannot_be_read_or_written_is_an_error_that_names_it(book, tmp_path):
    state = everything()
    with pytest.raises(CommandError, match="there is no document in"):
        run("apply", str(tmp_path), "--mode", "mirror")
    (tmp_path / "file").write_text("x")
    for args in (("export", "--output"), ("export", "--folder"), ("purge", "Book.isbn", "--yes", "--export")):
        with pytest.raises(CommandError, match="cannot be written"):
            run(*args, str(tmp_path / "file" / "x"))
    with pytest.raises(CommandError, match="leave out"):
        run("export", "--folder", str(tmp_path), "--output", "x")
    with pytest.raises(CommandError, match="give its name"):
        run("tag", "--at", "1")
    assert everything() == state


def test_a_plan_prints_the_token_that_binds_it(book):
    _, lines = code_of("rollback", "first", "--plan")
    (token,) = (line.split()[1] for line in lines if line.startswith("token"))
    run("rollback", "first", "--expected", token)


def test_a_history_is_exported_whole(book):
    (document,) = documents("export", "--content", "history")
    assert [e["type"] for e in document["events"]][-1] == "field.retired"


def test_old_tombstones_are_listed_written_out_and_purged(book, tmp_path):
    assert [d["label"] for d in documents("retired")] == ["dynamic.Book.isbn"]
    assert documents("retired", "--older-than", "1") == []
    assert "nothing to purge" in run("purge", "--older-than", "1", "--yes")
    assert code_of("purge", "--older-than", "0")[0] == 3
    folder = tmp_path / "values"
    run("purge", "--older-than", "0", "--yes", "--export", str(folder))
    (file,) = folder.iterdir()
    assert [orjson.loads(line) for line in file.read_bytes().splitlines()] == [{"id": 1, "isbn": "1"}]
    assert documents("retired") == []
    assert dynamo.history()[-1].reason == "purge"
    settled()


def test_a_retired_model_is_written_out_with_its_rows_and_links(transactional_db, tmp_path):
    make("Tag", name="CharField")
    book = make("Book", title="CharField", tags={"type": "ManyToManyField", "related_model": "Tag"})
    row = book.get_model().objects.create(title="Emma")
    row.tags.create(name="x")
    run("retire", "Book")
    run("purge", "Book", "--yes", "--export", str(tmp_path))
    (file,) = tmp_path.iterdir()
    lines = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    assert lines == [{"id": 1, "title": "Emma"}, {"field": "tags", "from": 1, "to": 1}]
    settled()


@pytest.mark.parametrize("args", [(), ("Book", "--older-than", "1")], ids=["neither", "both"])
def test_purge_wants_a_name_or_an_age(book, args):
    with pytest.raises(CommandError, match="--older-than"):
        run("purge", *args)


@pytest.fixture
def signed(book, tmp_path) -> tuple[str, ...]:
    """Arguments of `verify` with a head that was signed at the end of the log."""
    key = tmp_path / "key.pem"
    head = tmp_path / "head.json"
    head.write_text(run("sign", "--key", str(key), "--new-key"))
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    return ("--against", str(head), "--public-key", f"{key}.pub")


def test_a_signed_head_holds_while_the_log_grows(book, signed):
    assert "events verified" in run("verify", *signed)
    add(book, "pages", "IntegerField")
    assert "events verified" in run("verify", *signed)


def test_a_log_that_was_written_anew_is_found_out_by_a_signed_head(book, signed):
    """Somebody with the database's password makes a whole other log that agrees with itself."""
    guards.remove(connection)
    sql("DELETE FROM dynamo_events_schemaevent")
    for table in ("head", "checkpoint"):
        sql(f"UPDATE dynamo_events_{table} SET position = 0, hash = %s", "0" * 64)
    for table in ("dynamo_metafield", "dynamo_metamodel"):
        sql(f"DELETE FROM {table}")
    sql("DROP TABLE dynamic_book")
    guards.install(connection)
    pipeline.reset()
    make("Book", title="CharField", isbn="CharField", a="CharField", b="CharField", c="CharField")
    assert dynamo.verify().problems == []
    code, lines = code_of("verify", *signed)
    assert code == 1
    assert any("the log was written anew" in line for line in lines)
    assert json.loads(code_of("verify", *signed, "--json")[1][0])["first_bad_position"] == 6


def test_a_log_that_was_emptied_is_found_out_by_a_signed_head(book, signed):
    empty()
    code, lines = code_of("verify", *signed)
    assert code == 1
    assert any("of the registry" in line or "the log ends at" in line for line in lines)


EDITS = {
    "position": lambda d: d.update(position=1),
    "hash": lambda d: d.update(hash="0" * 64),
    "signature": lambda d: d.update(signature="AAAA"),
    "no base64": lambda d: d.update(signature="!"),
    "none": lambda d: d.pop("signature"),
    "kind": lambda d: d.update(dynamo="schema"),
    "text": lambda d: d.update(position="6"),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_head_that_was_not_signed_so_is_refused(book, signed, edit):
    file = Path(signed[1])
    document = json.loads(file.read_text())
    edit(document)
    file.write_text(json.dumps(document))
    with pytest.raises(CommandError):
        run("verify", *signed)


def test_another_key_does_not_fit(book, signed, tmp_path):
    run("sign", "--key", str(tmp_path / "other.pem"), "--new-key")
    with pytest.raises(CommandError, match="another key"):
        run("verify", *signed[:3], str(tmp_path / "other.pem.pub"))
    with pytest.raises(CommandError, match="no public Ed25519 key"):
        run("verify", *signed[:3], str(tmp_path / "other.pem"))
    with pytest.raises(CommandError, match="cannot be made"):
        run("sign", "--key", str(tmp_path / "other.pem"), "--new-key")
    with pytest.raises(CommandError, match="cannot be read"):
        run("sign", "--key", str(tmp_path / "nowhere.pem"))
    with pytest.raises(CommandError, match="both"):
        run("verify", *signed[:2])
