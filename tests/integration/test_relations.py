"""Relations: to generated and hand-written models, to self, in cycles, and back."""

from __future__ import annotations

import re
import textwrap
import threading
from functools import partial

import pytest
from django.apps import apps
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models
from django.db.models import Count, ProtectedError, RestrictedError

import dynamo
from dynamo.exceptions import SchemaRefused
from dynamo.models import MetaField, MetaModel
from projections.registry import registry
from tests.anew import begin
from tests.integration.making import add, alter, everything, make, rename
from tests.library.models import Publisher

pytestmark = pytest.mark.django_db(transaction=True)


def to(target: str, type: str = "ForeignKey", **attributes) -> dict:
    return {"type": type, "related_model": target, **attributes}


def test_a_foreign_key_to_a_generated_model_goes_both_ways(transactional_db):
    author = make("Author", name="CharField").get_model()
    book = make("Book", author=to("Author")).get_model()
    a = author.objects.create(name="A")
    b = book.objects.create(author=a)
    assert book.objects.select_related("author").get().author == a
    assert list(a.book_set.all()) == [b]
    assert book.objects.filter(author__name="A").get() == b
    assert author.objects.filter(book=b).get() == a
    assert author.objects.annotate(n=Count("book")).get().n == 1


def test_a_foreign_key_to_a_hand_written_model_goes_both_ways(transactional_db):
    book = make("Book", publisher=to("library.Publisher")).get_model()
    p = Publisher.objects.create(name="P")
    b = book.objects.create(publisher=p)
    assert list(Publisher.objects.prefetch_related("book_set").get().book_set.all()) == [b]
    assert Publisher.objects.filter(book__id=b.pk).get() == p


@pytest.fixture
def imprint():
    """A proxy of a hand-written model."""

    class Imprint(Publisher):
        class Meta:
            proxy = True
            app_label = "library"

    yield Imprint
    dict.pop(apps.all_models["library"], "imprint")
    apps.clear_cache()


@pytest.mark.parametrize("starting", [False, True], ids=["a running process", "one that begins"])
@pytest.mark.parametrize("kind", ["ForeignKey", "OneToOneField", "ManyToManyField"])
def test_what_refers_to_a_proxy_refers_to_its_concrete_model(imprint, kind, starting):
    list(Publisher._meta.related_objects)
    meta = make("Book", title="CharField", imprint=to("library.Imprint", kind))
    if starting:
        begin()
    book, p = meta.get_model(), imprint.objects.create(name="P")
    row = book.objects.create(title="Emma")
    (row.imprint.add if kind == "ManyToManyField" else partial(setattr, row, "imprint"))(p)
    row.save()
    for cls in (Publisher, imprint):
        assert cls.objects.filter(book__title="Emma").get().pk == p.pk
        assert book in [relation.related_model for relation in cls._meta.related_objects]
    meta.delete()
    for cls in (Publisher, imprint):
        assert not hasattr(cls, "book")
        assert not hasattr(cls, "book_set")
        assert book not in [relation.related_model for relation in cls._meta.related_objects]


def test_deleting_what_a_proxy_is_of_deletes_what_refers_to_the_proxy(imprint):
    book = make("Book", imprint=to("library.Imprint", options={"on_delete": "CASCADE"})).get_model()
    book.objects.create(imprint=imprint.objects.create(name="P"))
    Publisher.objects.get().delete()
    assert book.objects.count() == 0


@pytest.mark.parametrize(
    "ask",
    [lambda: Publisher._meta.related_objects, lambda: Publisher._meta.get_fields(include_hidden=True)],
    ids=["related_objects", "get_fields"],
)
def test_what_one_thread_finds_while_another_adds_a_relation_is_not_kept(transactional_db, monkeypatch, ask):
    make("Book", publisher=to("library.Publisher"))
    found, added = threading.Event(), threading.Event()
    plain = registry.incoming

    def slow(model):
        known = list(plain(model))
        if model is Publisher and threading.current_thread() is thread:
            found.set()
            added.wait(30)
        return iter(known)

    thread = threading.Thread(target=ask)
    monkeypatch.setattr(registry, "incoming", slow)
    thread.start()
    assert found.wait(30)
    car = make("Car", publisher=to("library.Publisher")).get_model()
    added.set()
    thread.join(30)
    assert car in [relation.related_model for relation in ask() if relation.is_relation]


def test_users_can_be_referred_to_in_every_way(transactional_db):
    make("Profile", user=to("auth.User", "OneToOneField"))
    make(
        "Team",
        members=to("auth.User", "ManyToManyField"),
        boss=to("auth.User", options={"related_name": "bosses_of"}),
    )
    profile, team = dynamo.get_model("Profile"), dynamo.get_model("Team")
    user = User.objects.create(username="u")
    p, t = profile.objects.create(user=user), team.objects.create(boss=user)
    t.members.add(user)
    assert (user.profile, list(user.team_set.all()), list(user.bosses_of.all())) == (p, [t], [t])
    assert User.objects.filter(team=t, profile=p, bosses_of=t).get() == user


def test_a_foreign_key_to_self_makes_a_tree(transactional_db):
    cls = make("Node", parent=to("self", options={"related_name": "children"})).get_model()
    root = cls.objects.create()
    leaf = cls.objects.create(parent=root)
    assert (list(root.children.all()), cls.objects.get(children=leaf)) == ([leaf], root)
    assert MetaField.objects.get().related_model == "self"


def test_two_models_can_refer_to_each_other(transactional_db):
    make("Hen", colour="CharField")
    make("Egg", hen=to("Hen"))
    hen_meta = MetaModel.objects.get(name="Hen")
    add(hen_meta, "first", "ForeignKey", related_model="dynamic.Egg", options={"related_name": "layer"})
    hen, egg = dynamo.get_model("Hen"), dynamo.get_model("Egg")
    h = hen.objects.create()
    h.first = egg.objects.create(hen=h)
    h.save()
    assert hen.objects.get(first__hen=h) == h
    assert h.first.layer.get() == h
    assert dynamo.verify().problems == []


def test_models_in_a_cycle_can_be_made_in_one_batch_in_any_order(transactional_db):
    with dynamo.batch():
        a, b = make("A"), make("B")
        add(a, "b", "ForeignKey", related_model="B", required=True)
        add(b, "owner", "ForeignKey", related_model="A", options={"related_name": "owned"})
        add(b, "c", "ManyToManyField", related_model="A", options={"related_name": "friends"})
    one = b.get_model().objects.create()
    other = a.get_model().objects.create(b=one)
    one.c.add(other)
    assert (list(other.friends.all()), list(one.a_set.all())) == ([one], [other])


def test_a_one_to_one_takes_each_target_once(transactional_db):
    make("Author")
    cls = make("Profile", author=to("Author", "OneToOneField")).get_model()
    a = dynamo.get_model("Author").objects.create()
    p = cls.objects.create(author=a)
    assert a.profile == p
    with pytest.raises(IntegrityError):
        cls.objects.create(author=a)


def test_a_many_to_many_links_and_unlinks(transactional_db):
    make("Tag", name="CharField")
    cls = make("Book", tags=to("Tag", "ManyToManyField")).get_model()
    red, blue = (dynamo.get_model("Tag").objects.create(name=name) for name in ("red", "blue"))
    book = cls.objects.create()
    book.tags.set([red, blue])
    book.tags.remove(red)
    red.book_set.add(book)
    assert {tag.name for tag in cls.objects.prefetch_related("tags").get().tags.all()} == {"red", "blue"}
    assert cls.objects.filter(tags__name="red").get() == book
    assert cls.tags.through.objects.count() == 2
    red.delete()
    assert cls.tags.through.objects.count() == 1
    book.tags.clear()
    assert cls.tags.through.objects.count() == 0


def test_a_many_to_many_to_self_is_symmetrical_as_in_django(transactional_db):
    cls = make("Person", friends=to("self", "ManyToManyField")).get_model()
    a, b = cls.objects.create(), cls.objects.create()
    a.friends.add(b)
    assert list(b.friends.all()) == [a]


@pytest.mark.parametrize("target", ["generated", "hand-written"])
@pytest.mark.parametrize("on_delete", ["CASCADE", "PROTECT", "RESTRICT", "SET_NULL", "DO_NOTHING"])
def test_on_delete_does_what_django_says(target, on_delete):
    label = "library.Publisher" if target == "hand-written" else "Author"
    author = Publisher if target == "hand-written" else make("Author", name="CharField").get_model()
    book = make("Book", author=to(label, options={"on_delete": on_delete})).get_model()
    a = author.objects.create(name="A")
    book.objects.create(author=a)
    errors = {"PROTECT": ProtectedError, "RESTRICT": RestrictedError, "DO_NOTHING": IntegrityError}
    if on_delete in errors:
        with pytest.raises(errors[on_delete]):
            a.delete()
        assert (author.objects.count(), book.objects.count()) == (1, 1)
    else:
        a.delete()
        assert list(book.objects.values_list("author", flat=True)) == (
            [] if on_delete == "CASCADE" else [None]
        )


@pytest.mark.parametrize(("required", "expected"), [(True, "PROTECT"), (False, "SET_NULL")])
def test_on_delete_has_a_safe_default_that_follows_required(transactional_db, required, expected):
    make("Author")
    meta = make("Book", author=to("Author", required=required))
    assert meta.fields.get().options["on_delete"] == expected
    other = alter(meta.fields.get(), required=not required)
    assert other.options["on_delete"] == {"PROTECT": "SET_NULL", "SET_NULL": "PROTECT"}[expected]


def test_cascades_run_through_several_generated_models(transactional_db):
    make("A", user=to("auth.User", options={"on_delete": "CASCADE"}))
    make(
        "B",
        a=to("A", options={"on_delete": "CASCADE"}),
        us=to("A", "ManyToManyField", options={"related_name": "+"}),
    )
    user = User.objects.create(username="u")
    a = dynamo.get_model("A").objects.create(user=user)
    dynamo.get_model("B").objects.create(a=a).us.add(a)
    count, by_label = user.delete()
    assert count == 4
    assert by_label == {"auth.User": 1, "dynamic.A": 1, "dynamic.B": 1, "dynamic.B_us": 1}
    connection.check_constraints()


def test_cascades_see_classes_that_nobody_has_used_in_this_process(project):
    project.run("""
        from django.contrib.auth.models import User
        book = make("Book", user={"type": "ForeignKey", "related_model": "auth.User",
                                  "options": {"on_delete": "CASCADE"}})
        book.get_model().objects.create(user=User.objects.create(username="u"))
    """)
    assert (
        project.run("""
        from django.contrib.auth.models import User
        print(User.objects.get().delete()[0], dynamo.get_model("Book").objects.count())
    """)
        == "2 0"
    )


REFUSED_NAMES = {
    "a method of the target": ("check_password", "OneToOneField", "auth.User", {}),
    "what authentication sets on users": ("backend", "OneToOneField", "auth.User", {}),
    "a given name that the target has": ("Thing", "ForeignKey", "auth.User", {"related_name": "groups"}),
    "a manager of the target": ("Thing", "ForeignKey", "auth.User", {"related_name": "objects"}),
    "the key of the target": ("Thing", "ForeignKey", "auth.User", {"related_name": "pk"}),
    "a field of a generated target": ("Thing", "ForeignKey", "Other", {"related_name": "label"}),
    "a column of a generated target": ("Thing", "ForeignKey", "Other", {"related_name": "owner_id"}),
    "a method of a generated target": ("save", "OneToOneField", "Other", {}),
    "an attribute that choices generate": (
        "Thing",
        "ForeignKey",
        "Other",
        {"related_name": "get_kind_display"},
    ),
    "an own field, to self": ("Thing", "ForeignKey", "self", {"related_name": "r"}),
}


@pytest.mark.parametrize("case", REFUSED_NAMES)
def test_a_way_back_that_would_replace_something_is_refused_with_the_remedy(case):
    model, type_name, target, options = REFUSED_NAMES[case]
    other = make("Other", label="CharField", owner=to("auth.User", options={"related_name": "+"}))
    add(other, "kind", choices=[["a", "A"]])
    meta = make(model)
    before = everything()
    with pytest.raises(ValidationError, match="related_name"):
        add(meta, "r", type_name, related_model=target, options=options)
    assert everything() == before
    user = User.objects.create_user("u", password="p")
    assert authenticate(username="u", password="p") == user


def test_a_second_relation_to_one_target_needs_a_name_of_its_own(transactional_db):
    make("Author")
    meta = make("Book", author=to("Author"))
    told = (
        "dynamic.Book.author and dynamic.Book.editor would both be found from their target as 'book_set'; "
        "give one of them another options['related_name'], or '+' for no way back"
    )
    with pytest.raises(ValidationError, match=re.escape(told)):
        add(meta, "editor", "ForeignKey", related_model="Author")
    add(meta, "editor", "ForeignKey", related_model="Author", options={"related_name": "edited"})
    add(meta, "printer", "ForeignKey", related_model="Author", options={"related_name": "+"})
    assert dynamo.get_model("Author").objects.create().edited.count() == 0


def test_a_rename_that_would_replace_something_on_a_target_is_refused(transactional_db):
    meta = make("Profile", user=to("auth.User", "OneToOneField"))
    before = everything()
    with pytest.raises(ValidationError, match="related_name"):
        rename(meta, "check_password")
    assert everything() == before
    assert User(username="u").check_password("p") is False


def test_a_rename_of_a_targets_field_to_the_name_of_the_way_back_is_refused(transactional_db):
    author = make("Author", name="CharField")
    make("Book", author=to("Author"))
    with pytest.raises(ValidationError):
        rename(author.fields.get(), "book_set")


def test_where_a_field_of_the_target_has_the_models_name_queries_mean_the_field(transactional_db):
    cls = make("username", user=to("auth.User", options={"on_delete": "CASCADE"})).get_model()
    user = User.objects.create(username="u")
    row = cls.objects.create(user=user)
    assert User.objects.filter(username="u").values_list("username", flat=True).get() == "u"
    assert User._meta.get_field("username").max_length == 150
    assert list(user.username_set.all()) == [row]
    assert user.delete()[0] == 2


def test_a_rename_moves_the_way_back_on_hand_written_and_generated_targets(transactional_db):
    make("Author")
    meta = make("Book", author=to("Author"), user=to("auth.User"))
    rename(meta, "Volume")
    for target in (User, dynamo.get_model("Author")):
        assert hasattr(target, "volume_set")
        assert not hasattr(target, "book_set")


def test_retiring_a_relation_takes_the_way_back_away(transactional_db):
    meta = make("Book", user=to("auth.User"), groups=to("auth.Group", "ManyToManyField"))
    group = Group.objects.create(name="g")
    for field in meta.fields.all():
        field.delete()
    assert not hasattr(User, "book_set")
    assert not hasattr(group, "book_set")
    assert User.objects.create(username="u").delete()[0] == 1


def test_changing_the_target_moves_the_way_back(transactional_db):
    make("Author")
    make("Editor")
    meta = make("Book", who=to("Author"))
    alter(meta.fields.get(), related_model="dynamic.Editor")
    assert not hasattr(dynamo.get_model("Author"), "book_set")
    editor = dynamo.get_model("Editor").objects.create()
    meta.get_model().objects.create(who=editor)
    assert editor.book_set.count() == 1


def test_a_model_that_others_refer_to_is_not_retired(transactional_db):
    author = make("Author")
    make("Book", author=to("Author"), others=to("Author", "ManyToManyField", options={"related_name": "+"}))
    before = everything()
    with pytest.raises(SchemaRefused, match=r"dynamic\.Book\.author, dynamic\.Book\.others"):
        author.delete()
    assert everything() == before


def test_a_model_that_only_refers_to_itself_can_be_retired(transactional_db):
    meta = make("Node", parent=to("self"), friends=to("self", "ManyToManyField"))
    meta.get_model().objects.create()
    meta.delete()
    assert dynamo.verify().problems == []


@pytest.mark.parametrize(
    "label", ["dynamo.MetaModel", "dynamo_events.SchemaEvent", "auth.User_groups", "nope.Nope", "Nope"]
)
def test_what_is_no_target_is_refused(label):
    with pytest.raises(ValidationError):
        make("Book", r=to(label))


def test_targets_are_resolved_whatever_their_case_and_shown_as_they_are_named(transactional_db):
    make("Author")
    meta = make("Book", a=to("author"), u=to("auth.user"))
    assert sorted(meta.fields.values_list("related_model", flat=True)) == ["auth.User", "dynamic.Author"]


def test_a_target_that_is_renamed_is_followed_by_the_rows_that_name_it(transactional_db):
    author = make("Author")
    meta = make("Book", author=to("Author"))
    rename(author, "Writer")
    assert meta.fields.get().related_model == "dynamic.Writer"
    writer = dynamo.get_model("Writer").objects.create()
    assert meta.get_model().objects.create(author=writer).author == writer
    assert dynamo.verify().problems == []


def test_joins_know_what_was_added_or_renamed_after_the_first_of_them(transactional_db):
    author, book = make("Author", name="CharField"), make("Book", title="CharField")
    add(book, "author", "ForeignKey", related_model="Author")
    add(book, "tags", "ManyToManyField", related_model="Author", options={"related_name": "tagged"})
    writers, books = author.get_model(), book.get_model()
    one = books.objects.create(title="t", author=writers.objects.create(name="x"))
    one.tags.add(one.author)
    ways = ((books, "author"), (books, "tags"), (writers, "book"), (writers, "tagged"))
    names = {books: "name", writers: "title"}
    for cls, way in ways:
        assert cls.objects.filter(**{f"{way}__{names[cls]}__gt": ""}).count() == 1
    for meta in (author, book):
        add(meta, "pages", "IntegerField")
    for cls, way in ways:
        assert cls.objects.filter(**{f"{way}__pages": None}).count() == 1
    rename(author, "Writer")
    rename(book, "Novel")
    for cls, way in ((books, "author"), (books, "tags"), (writers, "novel"), (writers, "tagged")):
        assert cls.objects.filter(**{f"{way}__{names[cls]}__gt": ""}).count() == 1
    assert books.objects.select_related("author").get().author.name == "x"


WRITE = """
    make("Book", title="CharField")
    make("Cover", book={"type": "OneToOneField", "related_model": "Book"})
    make("Shelf", books={"type": "ManyToManyField", "related_model": "Book"})
    make("Note", book={"type": "ForeignKey", "related_model": "Book"})
    Book = dynamo.get_model("Book")
    dune, emma = Book.objects.create(title="Dune"), Book.objects.create(title="Emma")
    dynamo.get_model("Cover").objects.create(book=dune)
    dynamo.get_model("Shelf").objects.create().books.add(dune)
    dynamo.get_model("Note").objects.create(book=dune)
"""
READ = {
    "the way back of a many-to-many": "print(dune.shelf_set.count())",
    "of a foreign key": "print(dune.note_set.count())",
    "of a one-to-one": "print(int(dune.cover.book_id == dune.pk))",
    "of a one-to-one without a row": """
        try:
            emma.cover
        except Book.cover.RelatedObjectDoesNotExist:
            print(1)
    """,
    "on the class": "print(int(Book.shelf_set.rel.related_model is dynamo.get_model('Shelf')))",
    "prefetched": "print(len(Book.objects.prefetch_related('shelf_set')[0].shelf_set.all()))",
    "what there is not": "print(int(not hasattr(dune, 'unknown') and not hasattr(Book, 'unknown')))",
}


def test_a_new_process_knows_the_way_back_before_the_class_that_refers_was_used(project):
    project.run(WRITE)
    for what, code in READ.items():
        first = "Book = dynamo.get_model('Book')\ndune, emma = Book.objects.order_by('pk')\n"
        assert project.run(first + textwrap.dedent(code)) == "1", what


@pytest.mark.parametrize("when", ["in use", "retired"])
def test_a_hand_written_class_that_comes_late_is_seen_by_a_class_in_use(transactional_db, when):
    late = make("Late", title="TextField")
    cls = late.get_model()
    assert not cls._meta.related_objects
    if when == "retired":
        late.delete()
    meta = type("Meta", (), {"app_label": "library"})
    to_late = models.ForeignKey("dynamic.Late", models.CASCADE)
    try:
        type("Referrer", (models.Model,), {"__module__": __name__, "Meta": meta, "late": to_late})
        if when == "retired":
            assert not cls._meta.related_objects
            late = dynamo.restore("dynamic.Late")
        assert late.get_model() is cls
        assert [one.name for one in cls._meta.related_objects] == ["referrer"]
        add(late, "more", "TextField")
        assert [one.name for one in cls._meta.related_objects] == ["referrer"]
    finally:
        dict.pop(apps.all_models["library"], "referrer")
        apps.clear_cache()
