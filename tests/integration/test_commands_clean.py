"""Django's own commands stay right, and quiet, when there are generated models."""

from __future__ import annotations

import io
import json
import warnings

import pytest
from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core import serializers
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

import dynamo
from dynamo.models import MetaField, MetaModel
from events.models import SchemaEvent
from projections.registry import registry
from tests.integration.making import add, make, rename, table_names, tables
from tests.library.models import Publisher

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str, **options) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def models(transactional_db) -> None:
    """Generated models in the default label and in one that has migrations, related to everything."""
    author = make("Author", name="CharField", user={"type": "ForeignKey", "related_model": "auth.User"})
    shelf = MetaModel.objects.create(name="Shelf", app="library")
    add(shelf, "label")
    add(shelf, "publisher", "ForeignKey", related_model="library.Publisher")
    add(shelf, "author", "ForeignKey", related_model="dynamic.Author")
    add(shelf, "readers", "ManyToManyField", related_model="auth.User", options={"related_name": "shelves"})
    row = author.get_model().objects.create(name="A")
    shelf.get_model().objects.create(label="S", author=row, publisher=Publisher.objects.create(name="P"))


def test_a_model_can_live_in_an_installed_label(models):
    shelf = dynamo.get_model("library.Shelf")
    assert shelf._meta.db_table == "library_shelf"
    assert apps.get_model("library", "Shelf") is shelf
    assert Publisher.objects.get().shelf_set.get().label == "S"


def test_makemigrations_finds_nothing_to_do(models):
    assert "No changes" in run("makemigrations", check=True, dry_run=True)
    assert "No changes" in run("makemigrations", "library", check=True, dry_run=True)


def test_migrate_finds_nothing_to_do_and_changes_no_table(models):
    before = tables()
    out = run("migrate")
    assert "No migrations to apply" in out
    assert "not yet reflected" not in out
    assert tables() == before


def test_migrate_with_syncdb_makes_no_second_table(models):
    before = tables()
    run("migrate", run_syncdb=True)
    assert tables() == before
    assert dynamo.verify().problems == []


def test_migrations_of_a_label_can_be_taken_back_and_applied_again_around_its_generated_models(
    transactional_db,
):
    meta = MetaModel.objects.create(name="Shelf", app="library")
    add(meta, "label")
    meta.get_model().objects.create(label="S")
    run("migrate", "library", "zero")
    run("migrate", "library")
    assert meta.get_model().objects.get().label == "S"
    assert dynamo.verify().problems == []


def test_check_has_nothing_to_say(models):
    assert "no issues" in run("check", fail_level="WARNING")
    assert "no issues" in run("check", "dynamic", "library", databases=["default"])


def test_the_commands_build_no_class(project):
    project.run("""
        for n in range(5):
            make(f"M{n}", label="CharField")
    """)
    assert (
        project.run("""
        import io
        from django.core.management import call_command
        from projections.registry import registry
        call_command("check", stdout=io.StringIO())
        call_command("migrate", stdout=io.StringIO())
        call_command("makemigrations", check=True, dry_run=True, stdout=io.StringIO())
        print(registry.built())
    """)
        == "0"
    )


@pytest.mark.parametrize(
    "command", ["check", "makemigrations --check --dry-run", "showmigrations", "sqlflush"]
)
def test_a_fresh_process_runs_the_command_without_a_warning(project, command):
    project.run("""
        shelf = MetaModel.objects.create(name="Shelf", app="library")
        add(shelf, "publisher", "ForeignKey", related_model="library.Publisher")
    """)
    done = project.manage(*command.split())
    assert (done.returncode, done.stderr) == (0, "")


def test_django_starts_without_touching_the_database():
    with warnings.catch_warnings(), CaptureQueriesContext(connection) as queries:
        warnings.simplefilter("error")
        apps.get_app_config("dynamic").ready()
        apps.get_app_config("dynamo").ready()
    assert len(queries) == 0


def test_remove_stale_contenttypes_keeps_those_of_generated_models(models):
    before = set(ContentType.objects.values_list("app_label", "model"))
    run("remove_stale_contenttypes", interactive=False, include_stale_apps=True)
    assert set(ContentType.objects.values_list("app_label", "model")) == before
    assert {("dynamic", "author"), ("library", "shelf")} <= before


def test_remove_stale_contenttypes_keeps_those_of_models_that_no_one_has_used_yet(project):
    project.run("make('Book', title='CharField')")
    project.manage("remove_stale_contenttypes", "--no-input", "--include-stale-apps")
    assert (
        project.run("""
        from django.contrib.contenttypes.models import ContentType
        print(ContentType.objects.filter(app_label="dynamic", model="book").count())
    """)
        == "1"
    )


def test_dumpdata_writes_generated_rows_and_loaddata_reads_them_back(models, tmp_path):
    path = tmp_path / "data.json"
    run("dumpdata", "dynamic", "library", "auth", output=str(path))
    written = json.loads(path.read_text())
    assert {row["model"] for row in written} >= {"dynamic.author", "library.shelf", "library.publisher"}
    dynamo.get_model("library.Shelf").objects.all().delete()
    dynamo.get_model("Author").objects.all().delete()
    run("loaddata", str(path), verbosity=0)
    assert dynamo.get_model("library.Shelf").objects.get().author.name == "A"


@pytest.mark.parametrize("label", ["dynamic.Author", "library.Shelf"])
def test_dumpdata_writes_one_generated_model(models, label):
    assert [row["model"] for row in json.loads(run("dumpdata", label))] == [label.lower()]


def test_dumpdata_of_everything_has_the_generated_rows(models):
    kinds = {row["model"] for row in json.loads(run("dumpdata"))}
    assert {"dynamic.author", "library.shelf", "library.publisher"} <= kinds


def test_dumpdata_can_exclude_generated_models(models):
    kinds = {row["model"] for row in json.loads(run("dumpdata", exclude=["dynamic", "library.Shelf"]))}
    assert not {"dynamic.author", "library.shelf"} & kinds


def test_generated_rows_can_be_serialised_with_natural_keys(models):
    rows = dynamo.get_model("library.Shelf").objects.all()
    text = serializers.serialize("json", rows, use_natural_foreign_keys=True)
    (loaded,) = serializers.deserialize("json", text)
    assert loaded.object.label == "S"


def test_flush_leaves_an_empty_registry_that_can_be_used_again(models):
    run("flush", interactive=False, verbosity=0)
    assert [name for name in table_names() if name.startswith(("dynamic_", "library_shelf", "zz_"))] == []
    assert (SchemaEvent.objects.count(), MetaField.objects.count(), registry.live()) == (0, 0, [])
    assert Publisher.objects.create(name="P").pk
    assert make("Author", name="CharField").get_model().objects.create(name="x").pk == 1
    assert dynamo.verify().problems == []


def test_flush_takes_tombstones_and_link_tables_with_it(models):
    shelf = MetaModel.objects.get(name="Shelf")
    shelf.fields.get(name="readers").delete()
    rename(shelf, "Board")
    shelf.delete()
    run("flush", interactive=False, verbosity=0)
    assert [
        name for name in table_names() if name.startswith(("dynamic_", "library_b", "library_s", "zz_"))
    ] == []


def test_flush_removes_the_content_types_of_generated_models(models):
    run("flush", interactive=False, verbosity=0)
    assert not ContentType.objects.filter(model__in=["author", "shelf"]).exists()


def test_flush_in_one_process_is_noticed_by_another(project):
    project.run("make('Book', title='CharField')")
    other = project.start("""
        dynamo.get_model("Book")
        print("ready", flush=True)
        sys.stdin.readline()
        dynamo.catch_up()
        print([schema.name for schema in dynamo.schema().live()])
        book = make("Book", pages="IntegerField").get_model()
        print(book.objects.create(pages=1).pk, dynamo.verify().problems)
    """)
    assert other.stdout.readline().strip() == "ready"
    done = project.manage("flush", "--no-input")
    assert done.returncode == 0, done.stderr
    out, errors = other.communicate("\n", timeout=60)
    assert out.splitlines() == ["[]", "1 []"], errors[-2000:]


def test_inspectdb_and_sqlsequencereset_work(models):
    assert "class DynamicAuthor" in run("inspectdb", "dynamic_author")
    run("sqlsequencereset", "dynamic", "library")


def test_the_registry_lists_hand_written_models_only(models):
    listed = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert not {"dynamic.Author", "library.Shelf", "library.Shelf_readers"} & listed
    assert "library.Publisher" in listed
