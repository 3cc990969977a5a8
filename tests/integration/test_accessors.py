"""Ways back from hand-written classes in a process that has made no generated class yet."""

from __future__ import annotations

import pytest

WRITE = """
    from django.contrib.auth.models import User
    to = {"related_model": "auth.User", "required": False}
    book = make("Book", title="CharField",
        user={"type": "ForeignKey", **to},
        editor={"type": "ForeignKey", **to, "options": {"related_name": "edited"}},
        hidden={"type": "ForeignKey", **to, "options": {"related_name": "+"}},
        fans={"type": "ManyToManyField", "related_model": "auth.User", "options": {"related_name": "read"}})
    make("Profile", user={"type": "OneToOneField", **to})
    for n in range(3):
        make(f"Idle{n}", user={"type": "ForeignKey", **to})
    u = User.objects.create(username="u")
    b = dynamo.get_model("Book").objects.create(title="Emma", user=u, editor=u, hidden=u)
    b.fans.add(u)
    from events import snapshots, store
    from projections import pipeline
    if sys.argv[1] == "snapshot":
        snapshots.take("default", store.head("default"), pipeline.known_at)
"""
BEGIN = """
    from django.contrib.auth.models import User
    from projections.registry import registry
    def refused(call):
        try:
            call()
        except Exception as error:
            return type(error).__name__
    u = User.objects.get()
    assert registry.built() == 0, registry.built()
"""
ASKED = {
    "a foreign key": ("u.book_set.get().title", "Emma", 1),
    "on the class": ("User.book_set.rel.field.name", "user", 1),
    "a given name": ("u.edited.get().title", "Emma", 1),
    "a many-to-many": ("u.read.get().title", "Emma", 1),
    "a one-to-one": ("hasattr(u, 'profile')", "False", 1),
    "what there is not": ("hasattr(u, 'magazine_set')", "False", 0),
    "what is hidden": ("hasattr(u, 'hidden')", "False", 0),
    "a query": ("User.objects.filter(book__title='Emma').count()", "1", 1),
    "a query by a given name": (
        "User.objects.filter(edited__title='Emma', read__title='Emma').count()",
        "1",
        1,
    ),
    "a query of what there is not": ("refused(lambda: User.objects.filter(magazine=1))", "FieldError", 5),
    "a lookup": ("User.objects.filter(logentry__user__in=[1], groups__in=[1]).count()", "0", 0),
    "all relations": ("len([r for r in User._meta.related_objects if r.name != 'logentry'])", "7", 5),
    "a deletion": ("User.objects.all().delete()[0] > 1", "True", 5),
    "prefetched": ("User.objects.prefetch_related('edited').get().edited.all()[0].title", "Emma", 1),
    "another query": ("User.objects.filter(username='u').count()", "1", 0),
    "a save": ("User.objects.create(username='v').username", "v", 0),
}


@pytest.fixture(scope="module")
def written(migrated, tmp_path_factory, django_db_blocker):
    with django_db_blocker.unblock():
        project = migrated.copy(tmp_path_factory.mktemp("accessors") / "project")
    project.run(WRITE, "snapshot")
    yield project
    with django_db_blocker.unblock():
        project.drop()


@pytest.mark.parametrize("case", ASKED)
def test_what_is_asked_for_is_made_and_nothing_else(written, case):
    code, said, built = ASKED[case]
    taken_back = f"""
    with transaction.atomic():
        print(({code}), registry.built())
        transaction.set_rollback(True)
    """
    assert written.run(BEGIN + taken_back) == f"{said} {built}"


def test_a_process_that_replays_the_log_has_them_too(project):
    project.run(WRITE, "")
    assert project.run(BEGIN + "\n    print(u.book_set.get().title, registry.built())") == "Emma 1"


FOLLOW = """
    from django.contrib.auth.models import User
    from projections.registry import registry
    import inspect
    def ways():
        names = ("book_set", "edited", "corrected", "read", "profile", "car")
        return [name for name in names if inspect.getattr_static(User, name, None) is not None]
    connection.ensure_connection()
    print(*ways(), registry.built())
    for line in sys.stdin:
        dynamo.catch_up()
        print(*ways(), registry.built(), flush=True)
"""
CHANGES = {
    "a new name": (
        "alter(field('Book', 'editor'), options={'related_name': 'corrected'})",
        "book_set corrected read profile",
    ),
    "a retired field": ("field('Book', 'editor').delete()", "book_set read profile"),
    "a retired model": ("MetaModel.objects.get(name='Book').delete()", "profile"),
    "another model's": (
        "make('Car', owner={'type': 'OneToOneField', 'related_model': 'auth.User'})",
        "book_set edited read profile car",
    ),
    "what has nothing to do with it": (
        "alter(field('Book', 'editor'), help='who corrected it')",
        "book_set edited read profile",
    ),
}


@pytest.mark.parametrize("case", CHANGES)
def test_they_follow_what_other_processes_do(written, tmp_path, django_db_blocker, case):
    change, after = CHANGES[case]
    with django_db_blocker.unblock():
        project = written.copy(tmp_path / "copy")
    try:
        follower = project.start(FOLLOW)
        assert follower.stdout.readline().split() == ["book_set", "edited", "read", "profile", "0"]
        project.run(f"""
    def field(model, name):
        return MetaField.objects.get(meta_model__name=model, name=name)
    {change}
""")
        out, errors = follower.communicate("look\n", timeout=60)
        assert out.split() == [*after.split(), "0"], errors
    finally:
        with django_db_blocker.unblock():
            project.drop()


def test_a_name_that_another_model_has_there_is_refused_by_that_models_name(written):
    said = written.run("""
    try:
        make("Car", owner={"type": "ForeignKey", "related_model": "auth.User",
                           "options": {"related_name": "edited"}})
    except ValidationError as error:
        print(error)
    """)
    assert (
        "dynamic.Car.owner and dynamic.Book.editor would both be found from their target as 'edited'" in said
    )
