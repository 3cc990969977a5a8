"""A table that another process changes while this one reads it: one page or function more, and no error."""

from __future__ import annotations

import pytest

WRITE = """
    book = make("Book", title="CharField", pages="IntegerField")
    book.get_model().objects.create(title="Emma", pages=474)
"""
# Each request stops once between its beginning and its first query.
SERVE = """
    import asyncio
    from django.conf import settings
    from django.http import HttpResponse
    from django.template.response import TemplateResponse
    from django.test import AsyncClient, Client
    from django.urls import path
    class Lazy(TemplateResponse):
        @property
        def rendered_content(self):
            return shown()
    stops = []
    def shown():
        Book = dynamo.get_model("Book")
        if stops:
            stops.pop()
            print("stopped", flush=True)
            sys.stdin.readline()
        rows = list(Book.objects.all())
        names = [f.name for f in Book._meta.local_fields[1:]]
        return " ".join(f"{name}={getattr(row, name)}" for row in rows for name in names)
    def atomically():
        with transaction.atomic():
            return shown()
    async def later(request):
        from asgiref.sync import sync_to_async
        return HttpResponse(await sync_to_async(shown)())
    urlpatterns = [
        path("page/", lambda request: HttpResponse(shown())),
        path("template/", lambda request: Lazy(request, "none.html")),
        path("atomic/", lambda request: HttpResponse(atomically())),
        path("async/", later),
    ]
    settings.ROOT_URLCONF = "__main__"
    settings.MIDDLEWARE = ["dynamo.middleware.DynamoMiddleware"]
    client = Client(raise_request_exception=False)
    def ask(kind, path):
        stops.append(1)
        if kind == "asgi":
            client = AsyncClient(raise_request_exception=False)
            answer = asyncio.run(client.get(path))
        else:
            answer = getattr(Client(raise_request_exception=False), kind)(path)
        return answer.status_code, answer.text if answer.status_code == 200 else ""
    def function():
        stops.append(1)
        return dynamo.retry_read(shown)()
    try:
        print(eval(sys.argv[1]))
    except Exception as error:
        print(type(error).__name__)
    stops.clear()
    print(shown() if sys.argv[2] == "followed" else Client().get("/page/").text)
"""
AFTER = "label=Emma pages=474"
ASKED = {
    "a page": ("ask('get', '/page/')", f"(200, '{AFTER}')"),
    "a page under ASGI": ("ask('asgi', '/page/')", f"(200, '{AFTER}')"),
    "a page that is rendered late": ("ask('get', '/template/')", f"(200, '{AFTER}')"),
    "a page with a transaction of its own": ("ask('get', '/atomic/')", f"(200, '{AFTER}')"),
    "what is not only read": ("ask('post', '/page/')", "(500, '')"),
    "an asynchronous view": ("ask('asgi', '/async/')", "(500, '')"),
    "a function": ("function()", AFTER),
    "a transaction": ("stops.append(1) or atomically()", "ProgrammingError OperationalError"),
}


@pytest.mark.parametrize("case", ASKED)
def test_a_table_that_changes_under_a_read(project, case):
    code, said = ASKED[case]
    project.run(WRITE)
    followed = "followed" if case != "a transaction" else "asked"
    reader = project.start(SERVE, code, followed)
    assert reader.stdout.readline() == "stopped\n"
    project.run("rename(MetaField.objects.get(name='title'), 'label')")
    out, errors = reader.communicate("go on\n", timeout=60)
    assert reader.returncode == 0, errors
    first, then = out.splitlines()
    assert first == said or first in said.split(), errors
    assert then == AFTER


def test_an_error_that_says_nothing_of_columns_is_passed_on(project):
    said = project.run("""
    from dynamo.staleness import is_stale
    from django.db import DatabaseError, IntegrityError
    found = []
    for statement in ("SELECT missing FROM dynamo_events_head", "SELECT 1 FROM nowhere", "SELECT FROM WHERE"):
        try:
            sql(statement)
        except DatabaseError as error:
            found.append(is_stale(error))
    try:
        sql("INSERT INTO dynamo_events_checkpoint (name, position, hash) VALUES ('database', NULL, '')")
    except DatabaseError as error:
        found.append(is_stale(error))
    print(*found, is_stale(ValueError()), is_stale(DatabaseError()), is_stale(None))
    """)
    assert said == "True True False False False False False"


MISLED = """
    from dynamo.staleness import Look
    from django.db.models import Max
    from projections.registry import registry
    Book = dynamo.get_model("Book")
    look = Look()
    print("before", flush=True)
    sys.stdin.readline()
    print(eval(sys.argv[1]), flush=True)
    print(look.misled(), look.misled())
"""
READS = {
    "rows": ("[row.title for row in Book.objects.all()]", True),
    "values": ("list(Book.objects.values('title'))", True),
    "all values": ("list(Book.objects.values())", True),
    "values in a list": ("list(Book.objects.values_list('title', flat=True))", True),
    "an aggregate": ("Book.objects.aggregate(Max('title'))", True),
    "a condition": ("Book.objects.filter(title='Emma').count()", True),
    "nothing": ("1", False),
}


@pytest.mark.parametrize("case", READS)
def test_who_read_by_a_name_that_went_to_another_field_finds_out(project, case):
    code, misled = READS[case]
    project.run("make('Book', title='CharField', other='CharField').get_model().objects.create(title='Emma')")
    reader = project.start(MISLED, code)
    assert reader.stdout.readline() == "before\n"
    project.run("""
    title, other = (MetaField.objects.get(name=name) for name in ("title", "other"))
    rename(title, "between"); rename(other, "title"); rename(title, "other")
    """)
    out, errors = reader.communicate("go on\n", timeout=60)
    assert out.splitlines()[-1] == f"{misled} {misled}", errors


def test_who_read_a_table_that_went_to_another_model_finds_out(project):
    project.run("""
    for name in ("Book", "Draft"):
        make(name, title="CharField").get_model().objects.create(title=name)
    """)
    reader = project.start(MISLED, "[row.title for row in Book.objects.all()]")
    assert reader.stdout.readline() == "before\n"
    project.run("""
    book, draft = (MetaModel.objects.get(name=name) for name in ("Book", "Draft"))
    rename(book, "Between"); rename(draft, "Book"); rename(book, "Draft")
    """)
    out, errors = reader.communicate("go on\n", timeout=60)
    assert out.splitlines() == ["['Draft']", "True True"], errors


def test_who_read_in_between_finds_out_though_the_name_is_nobodys_any_more(project):
    project.run("make('Book', title='CharField', other='CharField').get_model().objects.create(title='Emma')")
    reader = project.start(
        MISLED.replace("    print(look", "    sys.stdin.readline()\n    print(look"),
        "[row.other for row in Book.objects.all()]",
    )
    assert reader.stdout.readline() == "before\n"
    swap = """
    title, other = (MetaField.objects.get(name=name) for name in ("title", "other"))
    rename(title, "between"); rename(other, "title"); rename(title, "other")
    """
    project.run(swap)
    reader.stdin.write("go on\n")
    reader.stdin.flush()
    assert reader.stdout.readline() == "['Emma']\n"
    project.run("""
    for name in ("title", "other"):
        rename(MetaField.objects.get(name=name), f"{name}_later")
    """)
    out, errors = reader.communicate("go on\n", timeout=60)
    assert out == "True True\n", errors


def test_a_change_of_links_misleads_nobody(project):
    project.run("make('Book', **{n: {'type': 'ManyToManyField', 'related_model': 'self'} for n in 'ab'})")
    reader = project.start(
        MISLED, "[row.pk for row in Book.objects.all()] or Book.objects.values('id').count()"
    )
    assert reader.stdout.readline() == "before\n"
    project.run("alter(MetaField.objects.get(name='a'), help='text')")
    out, errors = reader.communicate("go on\n", timeout=60)
    assert out.splitlines()[-1] == "False False", errors
