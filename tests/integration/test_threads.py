"""Many threads and several processes at one schema: no value in the wrong attribute, no change lost."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Self

import pytest
from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import DatabaseError, connection, transaction

import dynamo
from dynamo.exceptions import DynamoError, SchemaBusy, SchemaConflict
from dynamo.models import MetaField, MetaModel
from tests.integration.making import add, alter, foreign_keys_enforced, make, rename

pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("alpha", "beta", "gamma", "delta")
# A thread may use a name that is just being changed: Django then says so in one of these ways.
DOCUMENTED = (DatabaseError, DynamoError, FieldError, FieldDoesNotExist, TypeError, AttributeError)


class Crowd:
    """Threads that repeat something until told to stop; what they raise is kept."""

    def __init__(self, *actions) -> None:
        self.stop = threading.Event()
        self.odd: list[BaseException] = []
        self.done: Counter[str] = Counter()
        self.names = [action.__name__ for action in actions]
        self.threads = [threading.Thread(target=self._repeat, args=(action,)) for action in actions]

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *error) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in self.threads)

    def progress(self, n: int) -> None:
        """Wait until every action went through n more times."""
        goal = {name: self.done[name] + n for name in self.names}
        deadline = time.monotonic() + 30
        while any(self.done[name] < wanted for name, wanted in goal.items()):
            # A thread that met what it should not have met goes no further: say that, rather than wait.
            if self.odd:
                raise self.odd[0]
            assert time.monotonic() < deadline, self.done
            self.stop.wait(0.005)

    def _repeat(self, action) -> None:
        try:
            while not self.stop.is_set():
                try:
                    action()
                    self.done[action.__name__] += 1
                except DOCUMENTED as error:
                    self.done[f"{action.__name__} {type(error).__name__}"] += 1
        except BaseException as error:  # noqa: BLE001  # whatever it is, the test must see it
            self.odd.append(error)
        finally:
            connection.close()


def swap_columns(meta: MetaModel) -> None:
    """Rename, add, retire and retype around the fields that others read and write."""
    alter(meta.fields.get(name="alpha"), order=9)
    extra = add(meta, "aaa", "IntegerField", default=5)
    rename(meta.fields.get(name="beta"), "between")
    rename(meta.fields.get(name="between"), "beta")
    alter(extra, type="CharField", default="5")
    MetaField.objects.get(pk=extra.pk).delete()
    alter(meta.fields.get(name="alpha"), order=0)


def test_readers_never_see_a_value_in_the_wrong_attribute(transactional_db):
    meta = make("Book", **dict.fromkeys(NAMES, "CharField"))
    cls = meta.get_model()
    wrong: list[object] = []
    cls.objects.bulk_create(cls(**{name: name for name in NAMES}) for _ in range(50))

    def read():
        for row in cls.objects.all():
            wrong.extend((name, row.__dict__[name]) for name in NAMES if row.__dict__.get(name, name) != name)

    def read_some():
        for row in cls.objects.only("gamma", "delta"):
            wrong.extend((name, row.__dict__[name]) for name in NAMES if row.__dict__.get(name, name) != name)

    with Crowd(read, read_some) as crowd:
        for _ in range(4):
            swap_columns(meta)
            crowd.progress(1)
    assert (wrong, crowd.odd) == ([], [])
    assert dynamo.verify().problems == []


def misplaced(rows) -> list[object]:
    """Values under other names than theirs, where fields are called after what is in them, and a number."""
    read = [(name, value) for row in rows for name, value in row.__dict__.items() if isinstance(value, str)]
    return [(name, value) for name, value in read if name.split("_")[0] != value]


def change_in_place(fields: dict[str, MetaField], n: int) -> None:
    name = NAMES[n % len(NAMES)]
    if n % 5:
        rename(fields[name], f"{name}_{n}")
    else:
        alter(fields[name], order=n)


def test_readers_during_a_thousand_changes_in_place(transactional_db):
    meta = make("Book", **{f"{name}_0": "CharField" for name in NAMES})
    fields = {name: meta.fields.get(name=f"{name}_0") for name in NAMES}
    cls = meta.get_model()
    cls.objects.bulk_create(cls(**{f"{name}_0": name for name in NAMES}) for _ in range(20))
    wrong: list[object] = []

    def read():
        wrong.extend(misplaced(cls.objects.all()))

    def read_some():
        (name,) = (f.name for f in cls._meta.local_fields if f.name.startswith("gamma"))
        wrong.extend(misplaced(cls.objects.only(name)))

    def read_again():
        wrong.extend(misplaced(dynamo.retry_read(lambda: list(cls.objects.all()))()))

    with Crowd(read, read_some, read_again) as crowd:
        for n in range(1, 1_001):
            change_in_place(fields, n)
            if n % 100 == 0:
                crowd.progress(1)
    assert (wrong, crowd.odd) == ([], [])
    assert not [error for error in crowd.done if error.startswith("read_again ")]
    assert dynamo.verify().problems == []


def test_writers_never_put_a_value_into_the_wrong_column(transactional_db):
    meta = make("Book", **dict.fromkeys(NAMES, "CharField"))
    cls = meta.get_model()
    row = cls.objects.create(**{name: name for name in NAMES})

    def create():
        cls.objects.create(**{name: name for name in NAMES})

    def save():
        mine = cls.objects.get(pk=row.pk)
        mine.save()

    def update():
        cls.objects.filter(pk=row.pk).update(gamma="gamma", delta="delta")

    with Crowd(create, save, update) as crowd:
        for _ in range(3):
            swap_columns(meta)
            crowd.progress(1)
    assert crowd.odd == []
    assert list(cls.objects.values(*NAMES).distinct()) == [{name: name for name in NAMES}]
    assert dynamo.verify().problems == []


def test_other_threads_see_nothing_before_the_commit(transactional_db):
    meta = make("Book", title="CharField")
    seen, inside, go = [], threading.Event(), threading.Event()

    def veto(sender, **kwargs):
        inside.set()
        go.wait(30)

    def look():
        inside.wait(30)
        seen.append([f.name for f in meta.get_model()._meta.fields])
        go.set()
        connection.close()

    from dynamo.signals import pre_field_creation

    thread = threading.Thread(target=look)
    thread.start()
    pre_field_creation.connect(veto)
    try:
        add(meta, "pages", "IntegerField")
    finally:
        pre_field_creation.disconnect(veto)
        thread.join(60)
    assert seen == [["id", "title"]]


def test_many_threads_building_classes_for_the_first_time_get_the_same_ones(project):
    project.run("""
        make("A"); make("B", a={"type": "ForeignKey", "related_model": "A"})
        a = MetaModel.objects.get(name="A")
        add(a, "other", "ForeignKey", related_model="B", options={"related_name": "+"})
        for n in range(20):
            make(f"C{n}", b={"type": "ForeignKey", "related_model": "B"})
    """)
    out = project.run("""
        barrier, found, odd = threading.Barrier(8), [], []
        def build(n):
            try:
                barrier.wait(20)
                order = range(20) if n % 2 else reversed(range(20))
                mine = {f"C{i}": dynamo.get_model(f"C{i}") for i in order}
                found.append({**mine, "A": dynamo.get_model("A")})
            except BaseException as error:
                odd.append(repr(error))
            finally:
                connection.close()
        threads = [threading.Thread(target=build, args=(n,)) for n in range(8)]
        [t.start() for t in threads]; [t.join(60) for t in threads]
        assert all(one == found[0] for one in found), found
        b = found[0]["C0"]._meta.get_field("b").related_model
        assert len([r for r in b._meta.related_objects]) == 20, b._meta.related_objects
        print(len(found), odd)
    """)
    assert out == "8 []"


def test_threads_that_change_different_models_all_land(transactional_db):
    metas = [make(f"M{n}") for n in range(3)]
    odd: list[BaseException] = []

    def change(meta):
        try:
            for n in range(5):
                add(meta, f"f{n}", "IntegerField")
        except BaseException as error:  # noqa: BLE001  # the test must see it
            odd.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(meta,)) for meta in metas]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert odd == []
    assert [meta.fields.count() for meta in metas] == [5, 5, 5]
    assert [len(meta.get_model()._meta.fields) for meta in metas] == [6, 6, 6]
    assert dynamo.verify().problems == []


def test_two_threads_that_change_one_attribute_end_in_one_conflict(transactional_db):
    meta = make("Book", title="CharField")
    rows = [MetaField.objects.get(), MetaField.objects.get()]
    outcome: Counter[str] = Counter()
    barrier = threading.Barrier(2)

    def change(row, text):
        row.help = text
        barrier.wait(20)
        try:
            row.save()
            outcome["saved"] += 1
        except (SchemaConflict, SchemaBusy) as error:
            outcome[type(error).__name__] += 1
        finally:
            connection.close()

    threads = [threading.Thread(target=change, args=(row, f"text {n}")) for n, row in enumerate(rows)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcome == {"saved": 1, "SchemaConflict": 1}
    assert meta.fields.get().help in {"text 0", "text 1"}
    assert dynamo.verify().problems == []


WRITER = """
    name = sys.argv[1]
    print("ready", flush=True)
    sys.stdin.readline()
    landed, refused = 0, []
    for n in range(6):
        for _ in range(50):
            try:
                add(MetaModel.objects.get(name="Book"), f"{name}_{n}", "IntegerField")
                landed += 1
                break
            except (SchemaConflict, SchemaBusy) as error:
                refused.append(type(error).__name__)
    dynamo.get_model("Book").objects.create(title=name)
    print(landed)
"""


def test_two_processes_that_change_one_model_both_land(project):
    project.run("make('Book', title='CharField')")
    writers = [project.start(WRITER, name) for name in ("left", "right")]
    for writer in writers:
        assert writer.stdout.readline().strip() == "ready"
    for writer in writers:
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        out, errors = writer.communicate(timeout=100)
        assert (writer.returncode, out.strip()) == (0, "6"), errors[-2000:]
    look = """
        book = MetaModel.objects.get()
        print(dynamo.verify().problems, book.fields.count(), book.version, book.get_model().objects.count())
    """
    assert project.run(look) == "[] 13 14 2"


def test_a_running_process_catches_up_with_another_ones_change(project):
    project.run("make('Book', title='CharField')")
    reader = project.start("""
        book = dynamo.get_model("Book")
        print("ready", flush=True)
        sys.stdin.readline()
        dynamo.catch_up()
        book.objects.create(name="x", pages=3)
        print(dynamo.get_model("Volume") is book, [f.name for f in book._meta.fields])
    """)
    assert reader.stdout.readline().strip() == "ready"
    project.run("""
        book = MetaModel.objects.get()
        rename(book, "Volume")
        rename(book.fields.get(), "name")
        add(book, "pages", "IntegerField")
    """)
    out, errors = reader.communicate("\n", timeout=60)
    assert out.strip() == "True ['id', 'name', 'pages']", errors[-2000:]


def test_a_stale_process_that_changes_the_schema_works_on_what_is_there(project):
    project.run("make('Book', title='CharField')")
    stale = project.start("""
        book, row = MetaModel.objects.get(), MetaField.objects.get()
        book.get_model()
        print("ready", flush=True)
        sys.stdin.readline()
        row.help = "mine"
        row.save()
        add(book, "isbn")
        print(row.name, [f.name for f in book.get_model()._meta.fields], dynamo.verify().problems)
    """)
    assert stale.stdout.readline().strip() == "ready"
    project.run("""
        rename(MetaField.objects.get(), "name")
        add(MetaModel.objects.get(), "pages", "IntegerField")
    """)
    out, errors = stale.communicate("\n", timeout=60)
    assert out.strip() == "name ['id', 'name', 'pages', 'isbn'] []", errors[-2000:]


@pytest.mark.needs("sqlite")
def test_a_writer_that_finds_the_database_locked_is_told_so_and_leaves_no_trace(project):
    project.run("make('Book', title='CharField')")
    out = project.run("""
        import sqlite3
        from django.conf import settings
        other = sqlite3.connect(settings.DATABASES["default"]["NAME"], isolation_level=None)
        connection.settings_dict["OPTIONS"]["timeout"] = 0.1
        connection.close()
        book = MetaModel.objects.get()
        other.execute("BEGIN IMMEDIATE")
        for nested in (False, True):
            try:
                if nested:
                    with transaction.atomic():
                        add(book, "pages", "IntegerField")
                else:
                    add(book, "pages", "IntegerField")
            except SchemaBusy as error:
                print("busy", connection.in_atomic_block, foreign_keys_enforced())
        other.execute("ROLLBACK")
        add(book, "pages", "IntegerField")
        print(dynamo.verify().problems)
    """)
    assert out.splitlines() == ["busy False True", "busy False True", "[]"]


@pytest.mark.needs("ddl in atomic")
def test_the_thread_of_a_rolled_back_change_leaves_other_threads_in_peace(transactional_db):
    meta = make("Book", title="CharField")
    cls = meta.get_model()
    cls.objects.create(title="x")

    def read():
        assert [row.title for row in cls.objects.all()] == ["x"]

    with Crowd(read) as crowd:
        for _ in range(10):
            with transaction.atomic():
                add(meta, "pages", "IntegerField")
                transaction.set_rollback(True)
        crowd.progress(2)
    assert crowd.odd == []
    assert foreign_keys_enforced()


def test_verifying_while_somebody_changes_the_schema_raises_no_alarm(transactional_db):
    meta = make("Book", **dict.fromkeys(NAMES, "CharField"))
    found: list[str] = []

    def look():
        found.extend(dynamo.verify().problems)

    with Crowd(look) as crowd:
        for _ in range(4):
            swap_columns(meta)
            crowd.progress(1)
    assert (found, crowd.odd) == ([], [])
