"""Export and apply: what one registry is, another becomes, with the same ids."""

from __future__ import annotations

import copy

import orjson
import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command

import dynamo
from dynamo import documents
from dynamo.exceptions import DataRefused, DynamoError, SchemaConflict, SchemaRefused
from dynamo.models import MetaField, MetaModel
from tests.integration.agreement import settled
from tests.integration.making import add, alter, everything, make, rename

pytestmark = pytest.mark.django_db(transaction=True)


def library() -> None:
    """Models that refer to each other, to themselves and to code, with all that a field may say."""
    make("Tag", name={"type": "CharField", "unique": True, "required": True, "help": "100 % <b>"})
    author = make("Author", name={"type": "CharField", "options": {"max_length": 80}})
    make(
        "Book",
        title={"type": "CharField", "unique_together": True, "verbose_name": "Title"},
        year={"type": "IntegerField", "unique_together": True, "default": 1815},
        kind={"type": "CharField", "choices": [["n", "Novel"], ["p", "Poem"]], "default": "n"},
        author={"type": "ForeignKey", "related_model": "Author", "options": {"on_delete": "CASCADE"}},
        tags={"type": "ManyToManyField", "related_model": "Tag"},
        owner={"type": "ForeignKey", "related_model": "auth.User"},
        sequel={"type": "OneToOneField", "related_model": "self"},
    )
    add(author, "best", "ForeignKey", related_model="Book", options={"related_name": "+"})
    meta = MetaModel.objects.get(name="Book")
    meta.options = {"ordering": ["-year"], "display": "title"}
    meta.save()


def empty() -> None:
    call_command("flush", verbosity=0, interactive=False)


def test_a_document_builds_the_same_registry_on_an_empty_database():
    library()
    document = dynamo.export()
    data = documents.encode(document)
    assert documents.encode(dynamo.export()) == data
    empty()
    assert dynamo.export()["models"] == []
    events = dynamo.apply(orjson.loads(data))
    assert events[0].type == "registry.imported"
    assert documents.encode(dynamo.export()) == data
    settled()
    book = dynamo.get_model("Book").objects.create(title="Emma")
    book.tags.create(name="novel")
    settled()


@pytest.mark.parametrize("mode", ["merge", "mirror"])
def test_a_document_of_what_is_there_changes_nothing(mode):
    library()
    state = everything()
    document = dynamo.export()
    assert not dynamo.plan(lambda: dynamo.apply(document, mode))
    assert dynamo.apply(document, mode) == ()
    assert everything() == state


def test_names_types_and_relations_are_brought_over_with_values():
    library()
    document = dynamo.export()
    author = dynamo.get_model("Author").objects.create(name="7")
    dynamo.get_model("Book").objects.create(title="Emma", author=author).tags.create(name="x")
    rename(MetaModel.objects.get(name="Tag"), "Label")
    rename(MetaField.objects.get(name="title"), "name")
    alter(MetaField.objects.get(name="kind"), choices=[["n", "Novel"]])
    alter(MetaField.objects.get(name="name", meta_model__name="Author"), type="IntegerField", options={})
    assert dynamo.apply(document)
    assert dynamo.export() == document
    settled()
    (book,) = dynamo.get_model("Book").objects.all()
    assert (book.title, book.author.name, [t.name for t in book.tags.all()]) == ("Emma", "7", ["x"])
    assert dynamo.apply(document) == ()


def test_fields_and_models_may_swap_names():
    left, right = make("Left", a="CharField", b="IntegerField"), make("Right", c="CharField")
    left.get_model().objects.create(a="a", b=1)
    document = copy.deepcopy(dynamo.export())
    one, two = document["models"]
    one["name"], two["name"] = two["name"], one["name"]
    one["fields"][0]["name"], one["fields"][1]["name"] = "b", "a"
    del document["hash"]
    dynamo.apply(document)
    settled()
    assert list(dynamo.get_model("Right").objects.values("a", "b")) == [{"a": 1, "b": "a"}]
    assert MetaModel.objects.get(pk=right.pk).name == "Left"


def test_mirror_retires_what_the_document_does_not_have_and_merge_keeps_it():
    library()
    document = dynamo.export()
    make("Extra", a="CharField")
    add(MetaModel.objects.get(name="Book"), "isbn")
    dynamo.get_model("Book").objects.create(title="Emma", isbn="1")
    assert dynamo.apply(document, "merge") == ()
    plan = dynamo.plan(lambda: dynamo.apply(document, "mirror"))
    assert {o.type for o in plan.operations} == {"registry.imported", "model.retired", "field.retired"}
    dynamo.apply(document, "mirror")
    assert dynamo.export() == document
    settled()
    dynamo.restore("Book.isbn")
    assert dynamo.get_model("Book").objects.get().isbn == "1"


def test_what_was_retired_here_and_is_in_the_document_comes_back():
    library()
    document = dynamo.export()
    dynamo.get_model("Book").objects.create(title="Emma", kind="p")
    MetaField.objects.get(name="kind").delete()
    MetaField.objects.get(name="best").delete()
    MetaModel.objects.get(name="Book").delete()
    dynamo.apply(document)
    assert dynamo.export() == document
    settled()
    assert dynamo.get_model("Book").objects.get().kind == "p"


def test_what_was_purged_here_comes_back_empty():
    library()
    document = dynamo.export()
    MetaField.objects.get(name="best").delete()
    MetaModel.objects.get(name="Book").delete()
    dynamo.purge("Book")
    dynamo.apply(document)
    assert dynamo.export() == document
    settled()


def test_a_field_that_was_purged_does_not_take_the_column_that_is_kept_of_it():
    meta = make("Book", code="CharField")
    meta.get_model().objects.create(code="007")
    document = dynamo.export()
    alter(meta.fields.get(), type="IntegerField", options={})
    field = meta.fields.get()
    key = str(field.pk)
    field.delete()
    dynamo.purge(key)
    dynamo.apply(document)
    assert dynamo.export() == document
    settled()
    assert dynamo.get_model("Book").objects.get().code == ""


def test_ids_may_be_written_in_any_way():
    make("Book", title="CharField")
    document = copy.deepcopy(dynamo.export())
    document.pop("hash")
    model = document["models"][0]
    model |= {"id": model["id"].upper(), "name": "Volume"}
    model["fields"][0] |= {"id": model["fields"][0]["id"].replace("-", ""), "name": "name"}
    dynamo.apply(document)
    settled()
    assert [f.name for f in dynamo.get_model("Volume")._meta.fields] == ["id", "name"]


def test_mirroring_less_than_a_model_takes_only_what_is_said():
    meta = make("Book", title="CharField", n="IntegerField")
    meta.options = {"ordering": ["n"]}
    meta.save()
    head = {"dynamo": "schema", "format": 1}
    assert dynamo.apply({**head, "models": [{"name": "Book"}]}, "mirror") == ()
    dynamo.apply({**head, "models": [{"name": "Book", "fields": [{"name": "title"}]}]}, "mirror")
    assert MetaModel.objects.get().options == {}
    settled()
    with pytest.raises(SchemaRefused, match="no models"):
        dynamo.apply({**head, "models": []}, "mirror")


def test_a_link_table_follows_a_target_that_is_renamed_later_in_the_document():
    library()
    document = copy.deepcopy(dynamo.export())
    document.pop("hash")
    book = next(m for m in document["models"] if m["name"] == "Book")
    tag = next(m for m in document["models"] if m["name"] == "Tag")
    book["fields"] = [f for f in book["fields"] if f["name"] != "tags"]
    tag["name"] = "Label"
    document["models"] = [book, tag]
    dynamo.apply(document)
    settled()
    field = MetaModel.objects.get(name="Book").schema.field(str(MetaField.objects.get(name="tags").pk))
    assert field.link_columns == ("book_id", "label_id")


def test_models_of_the_same_name_are_the_same_though_made_apart():
    make("Book", title="CharField")
    document = copy.deepcopy(dynamo.export())
    empty()
    meta = make("Book", title="IntegerField", pages="IntegerField")
    meta.get_model().objects.create(title=7)
    dynamo.apply(document)
    settled()
    assert MetaModel.objects.get().pk == meta.pk
    assert dynamo.get_model("Book").objects.get().title == "7"
    assert dynamo.apply(document) == ()


def test_a_document_by_hand_needs_no_ids_no_hash_and_no_defaults():
    document = {
        "dynamo": "schema",
        "format": 1,
        "models": [
            {"name": "Book", "fields": [{"name": "title", "type": "CharField"}]},
            {"name": "Page", "fields": [{"name": "book", "type": "ForeignKey", "related_model": "Book"}]},
        ],
    }
    dynamo.apply(document)
    assert dynamo.apply(document) == ()
    settled()


def test_rows_that_stand_in_the_way_are_counted_and_answered():
    meta = make("Book", title="CharField")
    meta.get_model().objects.create(title="x")
    document = copy.deepcopy(dynamo.export())
    document.pop("hash")
    fields = document["models"][0]["fields"]
    fields[0] |= {"type": "IntegerField", "options": {}}
    fields.append({"name": "isbn", "type": "CharField", "required": True})
    state = everything()
    with pytest.raises(DataRefused):
        dynamo.apply(document)
    with pytest.raises(ValidationError, match="nope"):
        dynamo.apply(document, backfill={"Book.nope": 1})
    assert everything() == state
    dynamo.apply(document, backfill={"Book.isbn": "?"}, on_error="null")
    settled()
    assert dynamo.get_model("Book").objects.values_list("title", "isbn").get() == (None, "?")


def test_a_plan_binds_the_document_to_the_head():
    make("Book", title="CharField")
    document = dynamo.export()
    rename(MetaField.objects.get(), "name")
    plan = dynamo.plan(lambda: dynamo.apply(document))
    make("Reader")
    with pytest.raises(SchemaConflict, match=r"added model dynamic\.Reader"):
        dynamo.apply(document, expected=plan.token)
    dynamo.apply(document, expected=dynamo.plan(lambda: dynamo.apply(document)).token)


def test_files_per_model_are_one_document_again():
    library()
    document = dynamo.export()
    files = documents.split(document)
    assert sorted(files) == ["dynamic.Author.json", "dynamic.Book.json", "dynamic.Tag.json"]
    assert documents.joined(orjson.loads(files[name]) for name in sorted(files)) == document


def test_a_document_of_one_model_or_of_an_earlier_moment():
    library()
    before = dynamo.history()[-1].position
    rename(MetaModel.objects.get(name="Tag"), "Label")
    assert [m["name"] for m in dynamo.export(at=before)["models"]] == ["Author", "Book", "Tag"]
    assert [m["name"] for m in dynamo.export(models=["Label"])["models"]] == ["Label"]
    assert dynamo.export(models="Label") == dynamo.export(models=["Label"])
    with pytest.raises(SchemaRefused, match="Tag"):
        dynamo.export(models=["Tag"])


def changed(**model):
    return lambda d: d["models"][0].update(model)


def field(**given):
    return lambda d: d["models"][0]["fields"].append({"name": "f", "type": "CharField", **given})


BAD = {
    "no kind": lambda d: d.pop("dynamo"),
    "another format": lambda d: d.update(format=2),
    "models no list": lambda d: d.update(models={}),
    "a model no object": lambda d: d.update(models=[1]),
    "a model twice": lambda d: d["models"].append(d["models"][0]),
    "fields no list": changed(fields=1),
    "a field no object": changed(fields=[1]),
    "unknown attribute": changed(nope=1),
    "a keyword for a name": changed(name="class"),
    "no name": changed(name=None),
    "an object for a name": changed(name={}),
    "no such app": changed(app="nowhere"),
    "unknown option": changed(options={"nope": 1}),
    "display of no field": changed(options={"display": "nope"}),
    "unknown attribute of a field": field(nope=1),
    "a path for a type": field(type="os.system"),
    "no type": field(type=None),
    "statements in a name": field(name="a; DROP TABLE x"),
    "a name twice": field(name="title"),
    "text for an id": field(id="not an id"),
    "a number for an id": field(id=5),
    "statements in an option": field(options={"max_length": "1); DROP TABLE x"}),
    "a target that is not there": field(type="ForeignKey", related_model="Nobody"),
    "the registry as a target": field(type="ForeignKey", related_model="dynamo.MetaModel"),
    "text for a flag": field(unique="yes"),
    "a model without a name": lambda d: d["models"].append({}),
    "a number for a key": lambda d: d["models"][0].update(options={1: 2}),
    "a large number": lambda d: d["models"][0].update(options={"x": 2**70}),
    "bytes": lambda d: d["models"][0].update(description=b"x"),
    "a field without a name": lambda d: d["models"][0]["fields"].append({"type": "CharField"}),
    "a field of another model": lambda d: d["models"].append(
        {"name": "Other", "fields": [dict(d["models"][0]["fields"][0])]}
    ),
}


@pytest.mark.parametrize("edit", BAD.values(), ids=BAD)
def test_bad_documents_are_refused_and_leave_no_trace(edit):
    make("Book", title="CharField")
    document = copy.deepcopy(dynamo.export())
    del document["hash"]
    edit(document)
    state = everything()
    with pytest.raises((ValidationError, DynamoError)):
        dynamo.apply(document)
    assert everything() == state


@pytest.mark.parametrize("document", [None, 1, "x", [], {}, {"dynamo": "history", "format": 1}])
def test_what_is_no_schema_document_is_refused(document):
    with pytest.raises(SchemaRefused):
        dynamo.apply(document)


def test_an_edited_document_with_its_old_hash_is_refused():
    make("Book", title="CharField")
    document = copy.deepcopy(dynamo.export())
    document["models"][0]["name"] = "Volume"
    with pytest.raises(SchemaRefused, match="hash"):
        dynamo.apply(document)


def test_a_history_names_every_event():
    library()
    document = dynamo.export("history")
    assert [e["position"] for e in document["events"]] == list(range(1, len(dynamo.history()) + 1))
    both = dynamo.export("both")
    assert both["history"] == document
    with pytest.raises(SchemaRefused):
        dynamo.export("nothing")
