# The acceptance run's own script, kept as it came: not in the house style on purpose.
# ruff: noqa: B007, BLE001, C408, C416, C901, E401, E402, E501, E731, F401, F841, FURB171, I001, PERF102, PLW0603, PTH109, PTH118, PTH123, RUF021, SIM115, SIM212, SIM401, UP017
# mypy: ignore-errors
"""Replay a real package's schema history through MetaModel/MetaField and hold every step against Django itself.

usage: python conformance.py HISTORY.json [--db sqlite|postgres|mariadb] [--steps N]   (cwd = the project; its own venv)
Database settings come from CONFORMANCE_DB_* (NAME, HOST, PORT, USER, PASSWORD); sqlite uses a temporary folder.

After every migration's worth of saves, each table that the registry made is introspected and compared with the
table that Django's own schema editor makes for an ordinary model of the same fields: columns (name, type, null),
uniques, indexes, foreign keys, and the class's own deconstructed fields. Rows written on the way must survive.
Last line: 'name: steps ok/total, tables ok/total, rows kept/total, errors N'; exit 0 when all are equal.
"""

from __future__ import annotations

import argparse, datetime, decimal, json, os, sys, tempfile, traceback, uuid
from collections import Counter

parser = argparse.ArgumentParser()
parser.add_argument("history")
parser.add_argument("--db", default="sqlite")
parser.add_argument("--steps", type=int)
parser.add_argument("--verbose", action="store_true")
args = parser.parse_args()
history = json.load(open(args.history))
tmp = tempfile.mkdtemp(prefix="conform")


def database(alias):
    if args.db == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(tmp, alias + ".sqlite3")}
    engine = {"postgres": "django.db.backends.postgresql", "mariadb": "django.db.backends.mysql"}[args.db]
    env = lambda k, d="": os.environ.get("CONFORMANCE_DB_" + k, d)
    port = env("PORT", "5432" if args.db == "postgres" else "3306")
    return {
        "ENGINE": engine,
        "NAME": env("NAME", "conform") + ("" if alias == "default" else "_ref"),
        "HOST": env("HOST", "127.0.0.1"),
        "PORT": port,
        "USER": env("USER", "root"),
        "PASSWORD": env("PASSWORD"),
    }


sys.path.insert(0, os.getcwd())
from django.conf import settings

settings.configure(
    SECRET_KEY="x",
    USE_TZ=True,
    ROOT_URLCONF="conformance_urls",
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "django.contrib.sessions",
        "django.contrib.messages",
        "django.contrib.admin",
        "django_eventstream",
        "events",
        "projections",
        "dynamo",
    ],
    DATABASES={"default": database("default"), "reference": database("reference")},
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.auth.context_processors.auth",
                    "django.contrib.messages.context_processors.messages",
                ]
            },
        }
    ],
    STATIC_URL="/static/",
)
import types

urls = types.ModuleType("conformance_urls")
urls.urlpatterns = []
sys.modules["conformance_urls"] = urls
if args.db != "sqlite":
    base = dict(settings.DATABASES["default"])
    if args.db == "postgres":
        import psycopg

        c = psycopg.connect(
            host=base["HOST"],
            port=base["PORT"],
            user=base["USER"],
            password=base["PASSWORD"] or None,
            dbname="postgres",
            autocommit=True,
        )
        for a in ("default", "reference"):
            n = settings.DATABASES[a]["NAME"]
            c.execute(f'DROP DATABASE IF EXISTS "{n}" WITH (FORCE)')
            c.execute(f'CREATE DATABASE "{n}"')
        c.close()
    else:
        import MySQLdb

        c = MySQLdb.connect(
            host=base["HOST"], port=int(base["PORT"]), user=base["USER"], passwd=base["PASSWORD"]
        )
        for a in ("default", "reference"):
            n = settings.DATABASES[a]["NAME"]
            c.cursor().execute(f"DROP DATABASE IF EXISTS `{n}`")
            c.cursor().execute(f"CREATE DATABASE `{n}` CHARACTER SET utf8mb4")
        c.close()
import django

django.setup()
from django.apps import apps
from django.core.management import call_command

call_command("migrate", verbosity=0, run_syncdb=True)
call_command("migrate", "contenttypes", database="reference", verbosity=0)
call_command("migrate", "auth", database="reference", verbosity=0)
from django.db import connections, models
from django.apps.registry import Apps
import dynamo
from django.db import IntegrityError, transaction
from dynamo.models import MetaField, MetaModel

RELATIONS = ("ForeignKey", "OneToOneField", "ManyToManyField")
SPEC = {}  # model -> {field name: field description}, the state that the history says should hold
META = {}  # model -> MetaModel
ORDER = {}  # model -> the last order given out
GROUP = {}  # model -> the names flagged unique_together
LINKS = {}  # (model, many-to-many name) -> {(pk, target pk)}
trouble = Counter()
live, reference = connections["default"], connections["reference"]


def app_label():
    return next(iter(META.values())).app


def field_values(model, f):
    o = {k: v for k, v in f["options"].items()}
    values = dict(
        name=f["name"], type=f["type"], required=f["required"], unique=f.get("unique", False), options=o
    )
    for k in ("help", "verbose_name", "choices"):
        if k in f:
            values[k] = f[k]
        else:
            values[k] = [] if k == "choices" else ""
    values["default"] = None if "default" not in f else f["default"]
    r = f.get("related_model")
    values["related_model"] = (
        "" if r is None else ("self" if r == "self" else (r if "." in r else f"{META[r].app}.{r}"))
    )
    return values


def backfill(f):
    """What a person would type into 'value for existing rows' for a required field without a default."""
    t = f["type"]
    if "one_off_default" in f:
        return f["one_off_default"]
    if f.get("choices"):
        return f["choices"][0][0]
    if t in RELATIONS:
        return None
    return {
        "BooleanField": False,
        "DateField": "2020-01-01",
        "DateTimeField": "2020-01-01T00:00:00Z",
        "TimeField": "00:00",
        "DurationField": "00:00:00",
        "UUIDField": "00000000-0000-0000-0000-000000000000",
        "GenericIPAddressField": "127.0.0.1",
        "JSONField": {},
        "BinaryField": "",
        "DecimalField": "0",
    }.get(t, 0 if "Integer" in t or t == "FloatField" else "x")


def reference_field(model, f):
    cls = getattr(models, f["type"])
    kw = {k: v for k, v in f["options"].items()}
    null = not f["required"] and (bool(f.get("unique")) or not cls.empty_strings_allowed)
    blank = not f["required"]
    if "related_model" in f:
        r = f["related_model"]
        kw["to"] = "self" if r == "self" else (r if "." in r else f"ref.{r}")
        if f["type"] == "ManyToManyField":
            kw.pop("on_delete", None)
            return cls(blank=blank, **kw)
        kw["on_delete"] = getattr(models, kw.get("on_delete", "CASCADE"))
        if f["type"] == "ForeignKey" and f.get("unique"):
            kw["unique"] = True
    elif f.get("unique"):
        kw["unique"] = True
    if f.get("choices"):
        kw["choices"] = [tuple(c) for c in f["choices"]]
    if f.get("help"):
        kw["help_text"] = f["help"]
    if f.get("verbose_name"):
        kw["verbose_name"] = f["verbose_name"]
    if "default" in f:
        kw["default"] = f["default"]
    return cls(null=null, blank=blank, **kw)


def reference_tables():
    """Fresh reference tables for the whole current state; names as the registry chose them."""
    registry = Apps()
    sub = types.SimpleNamespace

    class RefConfig:
        pass

    with reference.constraint_checks_disabled():
        for t in reference.introspection.table_names():
            if t.startswith(("django_", "auth_")):
                continue
            with reference.cursor() as c:
                q = reference.ops.quote_name(t)
                if reference.vendor == "mysql":
                    c.execute("SET FOREIGN_KEY_CHECKS=0")
                c.execute(f"DROP TABLE {q}" + (" CASCADE" if reference.vendor == "postgresql" else ""))
    built = {}
    for m in SPEC:
        live_model = META[m].get_model()
        attrs = {
            "__module__": "ref",
            "Meta": type(
                "Meta", (), {"apps": registry, "app_label": "ref", "db_table": live_model._meta.db_table}
            ),
        }
        if GROUP.get(m):
            attrs["Meta"].unique_together = [tuple(GROUP[m])]
        pk = live_model._meta.pk
        attrs[pk.name] = type(pk)(primary_key=True)
        for f in SPEC[m].values():
            fld = reference_field(m, f)
            if f["type"] == "ManyToManyField":
                fld.db_table = live_model._meta.get_field(f["name"]).m2m_db_table()
            attrs[f["name"]] = fld
        built[m] = type(m, (models.Model,), attrs)
    for label in {
        f["related_model"] for s in SPEC.values() for f in s.values() if "." in f.get("related_model", "")
    }:
        pass
    with reference.schema_editor() as editor:
        for b in built.values():
            editor.create_model(b)
    return built


def shape(connection, table):
    """Table structure, free of generated names."""
    intro = connection.introspection
    with connection.cursor() as cursor:
        cols = {}
        for c in intro.get_table_description(cursor, table):
            cols[c.name] = (
                str(c.type_code),
                c.internal_size if connection.vendor != "sqlite" else None,
                c.precision,
                c.scale,
                bool(c.null_ok),
            )
        if connection.vendor == "sqlite":
            cursor.execute(f'PRAGMA table_info("{table}")')
            cols = {r[1]: (r[2].lower().replace(" ", ""), bool(r[3]), bool(r[5])) for r in cursor.fetchall()}
        elif connection.vendor == "postgresql":
            cursor.execute(
                "select attname, format_type(atttypid, atttypmod), attnotnull from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped",
                [f'"{table}"'],
            )
            cols = {r[0]: (r[1], r[2]) for r in cursor.fetchall()}
        else:
            cursor.execute(
                "select column_name, column_type, is_nullable from information_schema.columns where table_schema=database() and table_name=%s",
                [table],
            )
            cols = {r[0]: (r[1], r[2]) for r in cursor.fetchall()}
        uniques, indexes, fks = set(), set(), set()
        for k in intro.get_constraints(cursor, table).values():
            key = tuple(sorted(k["columns"]))
            if k["foreign_key"]:
                fks.add((key, k["foreign_key"]))
            if k["primary_key"]:
                continue
            if k["unique"]:
                uniques.add(key)
            elif k["index"]:
                indexes.add((key, k.get("type") == "btree" or k.get("type") == "idx" or k.get("type")))
        if connection.vendor == "mysql":
            indexes = {i for i in indexes if i[0] not in {f[0] for f in fks}}
    return {"columns": cols, "unique": uniques, "index": {i[0] for i in indexes}, "fk": fks}


def visible(connection, table, keep):
    """The registry may keep retired columns under its own tombstone names; they are not part of the live schema."""
    s = shape(connection, table)
    s["columns"] = {k: v for k, v in s["columns"].items() if k in keep}
    for k in ("unique", "index"):
        s[k] = {c for c in s[k] if set(c) <= keep}
    s["fk"] = {f for f in s["fk"] if set(f[0]) <= keep}
    return s


def described(model):
    """What a form, an API and a reader of the class see of each field."""
    out = set()
    for f in [*model._meta.local_fields, *model._meta.local_many_to_many]:
        if f.primary_key:
            continue
        default = None if not f.has_default() else str(f.get_default())
        out.add(
            (
                f.name,
                type(f).__name__,
                f.null,
                f.blank,
                f.unique,
                f.max_length,
                getattr(f, "max_digits", None),
                getattr(f, "decimal_places", None),
                str(f.verbose_name),
                str(f.help_text),
                json.dumps([[str(a), str(b)] for a, b in f.flatchoices]) if not f.is_relation else "",
                default if default != "" else None,
                f.remote_field.on_delete.__name__ if f.is_relation and not f.many_to_many else "",
            )
        )
    return out


def columns_of(model):
    return {f.column for f in model._meta.local_concrete_fields}


def sample(field, n):
    t = type(field).__name__
    if field.choices:
        return list(field.flatchoices)[n % len(field.flatchoices)][0]
    ml = getattr(field, "max_length", None)
    table = {
        "BooleanField": n % 2 == 0,
        "DateField": datetime.date(2020, 1, 1 + n % 28),
        "DateTimeField": datetime.datetime(2020, 1, 1, n % 24, tzinfo=datetime.timezone.utc),
        "TimeField": datetime.time(n % 24),
        "DurationField": datetime.timedelta(days=n),
        "UUIDField": uuid.UUID(int=n + 1),
        "GenericIPAddressField": f"10.0.{n // 250}.{n % 250}",
        "JSONField": {"n": n},
        "BinaryField": bytes([n % 256]),
        "DecimalField": decimal.Decimal(n % 9),
        "FloatField": n / 2,
        "EmailField": f"a{n}@b.co",
        "URLField": f"http://x/{n}",
    }
    if t in table:
        return table[t]
    if "Integer" in t:
        return n
    return (f"v{n}")[: ml or 50]


rows = {}  # model -> {pk: {field id: value}}
kept = total_rows = 0


def write_rows(n):
    for m, meta in META.items():
        model = meta.get_model()
        values, ok = {}, True
        for f in model._meta.local_concrete_fields:
            if f.primary_key or getattr(f, "auto_now", False) or getattr(f, "auto_now_add", False):
                continue
            if f.is_relation:
                if f.null:
                    continue
                target = f.related_model._default_manager.order_by("-pk").first()
                if target is None or f.unique and model._default_manager.filter(**{f.name: target}).exists():
                    ok = False
                    break
                values[f.attname] = target.pk
            else:
                values[f.attname] = sample(f, n)
        if not ok:
            continue
        try:
            with transaction.atomic():
                obj = model._default_manager.create(**values)
        except IntegrityError as e:  # two rows may not share a unique value; nothing else may go wrong
            if args.verbose:
                print("row", m, e)
            continue
        except Exception as e:
            trouble[f"row of {m}: {type(e).__name__}: {str(e)[:120]}"] += 1
            continue
        rows.setdefault(m, {})[obj.pk] = {k: v for k, v in values.items()}
        for f in model._meta.local_many_to_many:
            target = f.related_model._default_manager.order_by("-pk").first()
            if target is not None:
                getattr(obj, f.name).add(target)
                LINKS.setdefault((m, f.name), set()).add((obj.pk, target.pk))


def check_rows():
    global kept, total_rows
    for m, byid in rows.items():
        if m not in META:
            continue
        model = META[m].get_model()
        names = {f.attname for f in model._meta.local_concrete_fields}
        for pk, values in byid.items():
            total_rows += 1
            obj = model._default_manager.filter(pk=pk).first()
            if obj is not None and all(
                str(getattr(obj, k)) == str(v) or getattr(obj, k) == v
                for k, v in values.items()
                if k in names and k in STABLE.get(m, ())
            ):
                kept += 1
            elif args.verbose:
                print("ROW LOST", m, pk, values, obj and {k: getattr(obj, k) for k in values if k in names})


STABLE = {}  # model -> attnames whose type never changed since the row was written


def check_links():
    """Links whose two ends are still there must still be there."""
    global kept, total_rows
    for (m, name), pairs in LINKS.items():
        field = META[m].get_model()._meta.get_field(name)
        through = field.remote_field.through
        have = set(
            through._default_manager.values_list(
                field.m2m_field_name() + "_id", field.m2m_reverse_field_name() + "_id"
            )
        )
        left = set(META[m].get_model()._default_manager.values_list("pk", flat=True))
        right = set(field.related_model._default_manager.values_list("pk", flat=True))
        for a, b in pairs:
            if a in left and b in right:
                total_rows += 1
                kept += (a, b) in have


def touch(m, name):
    STABLE.setdefault(m, set()).discard(name)
    STABLE[m].discard(name + "_id")


def prune():
    """Forget the rows that a deletion of ours cascaded to."""
    for other in [o for o in rows if o in META]:
        there = set(META[other].get_model()._default_manager.values_list("pk", flat=True))
        rows[other] = {pk: v for pk, v in rows[other].items() if pk in there}


def prepare_data(m, old, f):
    """What the package's own data migration did: no row may stand in the way of an alteration."""
    model = META[m].get_model()
    name = f["name"]
    manager = model._default_manager
    drop = manager.none()
    if (
        f["type"] in RELATIONS
        and f["type"] != "ManyToManyField"
        and old["type"] in RELATIONS
        and old["type"] != "ManyToManyField"
    ):
        if old.get("related_model") != f.get(
            "related_model"
        ):  # ids of another table mean nothing in this one
            touch(m, name)
            if old["required"]:
                drop = manager.all()
            else:
                manager.update(**{name: None})
        if f["required"] and not old["required"]:
            target = model._meta.get_field(name).related_model._default_manager.order_by("-pk").first()
            if (
                target is not None
                and not f.get("unique")
                and f["type"] == "ForeignKey"
                and old.get("related_model") == f.get("related_model")
            ):
                touch(m, name)
                manager.filter(**{name + "__isnull": True}).update(**{name: target})
            else:
                drop = (
                    manager.filter(**{name + "__isnull": True}) | drop
                    if not drop.query.is_empty()
                    else manager.filter(**{name + "__isnull": True})
                )
    elif (
        f.get("unique")
        and (not old.get("unique") or f["required"] and not old["required"])
        and f["type"] == old["type"]
        and f["type"] in ("CharField", "TextField", "SlugField")
    ):
        touch(m, name)
        for pk in list(manager.values_list("pk", flat=True)):
            manager.filter(pk=pk).update(**{name: f"u{pk}"})
    elif (
        old["type"] != f["type"]
        and f["type"] not in RELATIONS
        and old["type"] not in RELATIONS
        and "BinaryField" not in (old["type"],)
    ):
        if old["type"] in ("CharField", "TextField", "SlugField", "URLField", "EmailField") and f[
            "type"
        ] not in ("CharField", "TextField", "SlugField", "URLField", "EmailField", "FileField", "ImageField"):
            if f.get("unique") or old.get("unique"):
                drop = manager.all()
            else:
                manager.update(**{name: "1"})
    elif f.get("unique") and not old.get("unique") and f["type"] not in RELATIONS:
        drop = manager.all()
    for pk in list(drop.values_list("pk", flat=True)):
        try:
            manager.filter(pk=pk).delete()
            rows.get(m, {}).pop(pk, None)
        except Exception as e:
            if args.verbose:
                print("prepare", m, name, e)
    if not drop.query.is_empty():
        prune()


def apply(op):
    kind = op["op"]
    if kind == "create_model":
        m = op["model"]
        META[m] = MetaModel.objects.create(name=m, admin=False)
        SPEC[m] = {}
        for i, f in enumerate(op["fields"]):
            add(m, f)
    elif kind == "add_field":
        add(op["model"], op["field"])
    elif kind == "alter_field":
        m, f = op["model"], dict(op["field"])
        old = SPEC[m][f["name"]]
        if old["type"] != f["type"] or old["options"] != f["options"]:
            touch(m, f["name"])
        prepare_data(m, old, f)
        row = MetaField.objects.get(meta_model=META[m], name=f["name"])
        for k, v in field_values(m, f).items():
            setattr(row, k, v)
        if old.get("related_model") != f.get("related_model"):
            LINKS.pop((m, f["name"]), None)
        row.save(
            **(
                {"backfill": backfill(f)}
                if f["required"] and not old["required"] and f["type"] not in RELATIONS
                else {}
            )
        )
        SPEC[m][f["name"]] = f
    elif kind == "rename_field":
        m = op["model"]
        row = MetaField.objects.get(meta_model=META[m], name=op["old"])
        row.name = op["new"]
        row.save()
        GROUP[m] = [op["new"] if g == op["old"] else g for g in GROUP.get(m, [])]
        if (m, op["old"]) in LINKS:
            LINKS[m, op["new"]] = LINKS.pop((m, op["old"]))
        f = dict(SPEC[m][op["old"]])
        f["name"] = op["new"]
        SPEC[m] = {
            (op["new"] if k == op["old"] else k): (f if k == op["old"] else v) for k, v in SPEC[m].items()
        }
        for pk, values in rows.get(m, {}).items():
            for a, b in ((op["old"], op["new"]), (op["old"] + "_id", op["new"] + "_id")):
                if a in values:
                    values[b] = values.pop(a)
        for a, b in ((op["old"], op["new"]), (op["old"] + "_id", op["new"] + "_id")):
            if a in STABLE.get(m, ()):
                STABLE[m].discard(a)
                STABLE[m].add(b)
    elif kind == "remove_field":
        m = op["model"]
        MetaField.objects.get(meta_model=META[m], name=op["name"]).delete()
        SPEC[m].pop(op["name"])
        touch(m, op["name"])
        LINKS.pop((m, op["name"]), None)
    elif kind == "unique_together":
        m, names = op["model"], op["names"]
        if names:
            META[m].get_model()._default_manager.all().delete()
            rows.pop(m, None)
            prune()
        with dynamo.batch():
            for row in MetaField.objects.filter(meta_model=META[m]):
                if row.unique_together != (row.name in names):
                    row.unique_together = row.name in names
                    row.save()
        GROUP[m] = names
    elif kind == "rename_model":
        meta = META.pop(op["old"])
        meta.refresh_from_db()
        meta.name = op["new"]
        meta.save()
        META[op["new"]] = meta
        GROUP[op["new"]] = GROUP.pop(op["old"], [])
        ORDER[op["new"]] = ORDER.pop(op["old"], 0)
        for key in [k for k in LINKS if k[0] == op["old"]]:
            LINKS[op["new"], key[1]] = LINKS.pop(key)
        SPEC[op["new"]] = SPEC.pop(op["old"])
        rows[op["new"]] = rows.pop(op["old"], {})
        STABLE[op["new"]] = STABLE.pop(op["old"], set())
        for s in SPEC.values():
            for f in s.values():
                if f.get("related_model") == op["old"]:
                    f["related_model"] = op["new"]
    elif kind == "delete_model":
        m = op["model"]
        for other, s in SPEC.items():  # Django's history has removed these relations by now; so does a person
            for n in [n for n, f in s.items() if f.get("related_model") == m and other != m]:
                MetaField.objects.get(meta_model=META[other], name=n).delete()
                s.pop(n)
                touch(other, n)
                LINKS.pop((other, n), None)
        for key in [k for k in LINKS if k[0] == m]:
            LINKS.pop(key)
        META.pop(m).delete()
        SPEC.pop(m)
        rows.pop(m, None)
        GROUP.pop(m, None)


def add(m, f):
    f = dict(f)
    kw = {}
    if f["required"] and "default" not in f and f["type"] not in RELATIONS:
        kw["backfill"] = backfill(f)
    if (
        f["required"]
        and f["type"] in ("ForeignKey", "OneToOneField")
        and META[m].get_model()._default_manager.exists()
    ):
        f["required"] = False  # no honest value for existing rows
    ORDER[m] = ORDER.get(m, 0) + 1
    row = MetaField(meta_model=META[m], order=ORDER[m], **field_values(m, f))
    row.save(**kw)
    SPEC[m][f["name"]] = f
    STABLE.setdefault(m, set()).update(
        {f["name"], f["name"] + "_id"} if f["type"] != "ManyToManyField" else ()
    )


steps = history["steps"][: args.steps]
ok_steps = ok_tables = all_tables = 0
errors = Counter()
first = {}
for n, step in enumerate(steps):
    try:
        for op in step["ops"]:
            apply(op)
        write_rows(n)
        built = reference_tables()
        bad = []
        for m, ref in built.items():
            model = META[m].get_model()
            all_tables += 1
            got, want = (
                visible(live, model._meta.db_table, columns_of(model)),
                shape(reference, ref._meta.db_table),
            )
            got["fields"], want["fields"] = described(model), described(ref)
            for f in ref._meta.local_many_to_many:
                through = shape(live, f.db_table), shape(reference, f.db_table)
                got["through " + f.name], want["through " + f.name] = (
                    {
                        (k, str(v))
                        for part, value in t.items()
                        for k, v in (value.items() if isinstance(value, dict) else [(part, x) for x in value])
                    }
                    for t in through
                )
            diff = {
                k: (
                    sorted(map(str, got[k].items() if k == "columns" else got[k])),
                    sorted(map(str, want[k].items() if k == "columns" else want[k])),
                )
                for k in got
                if got[k] != want[k]
            }
            if not diff:
                ok_tables += 1
            else:
                bad.append(m)
                first.setdefault(
                    m,
                    (
                        step["migration"],
                        {
                            k: ([x for x in v[0] if x not in v[1]], [x for x in v[1] if x not in v[0]])
                            for k, v in diff.items()
                        },
                    ),
                )
        ok_steps += not bad
        if args.verbose:
            print(step["migration"], "ok" if not bad else bad)
    except Exception as e:
        errors[f"{type(e).__name__}: {str(e)[:160]}"] += 1
        if args.verbose:
            print(step["migration"], "ERROR")
            traceback.print_exc()
        if sum(errors.values()) > 20:
            break
errors.update(trouble)
try:
    check_rows()
    check_links()
except Exception as e:
    errors["rows " + repr(e)[:160]] += 1
for m, (where, d) in list(first.items())[:12]:
    print("differs", m, "first at", where, d)
for e, c in errors.most_common(10):
    print("error", c, e)
print(
    f"{history['name']} on {args.db}: steps {ok_steps}/{len(steps)}, tables {ok_tables}/{all_tables}, rows kept {kept}/{total_rows}, errors {sum(errors.values())}"
)
sys.exit(0 if ok_steps == len(steps) and kept == total_rows > 0 and not errors else 1)
