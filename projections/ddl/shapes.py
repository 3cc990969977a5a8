"""Shapes: the definition of a table on one database, as values that can be compared and rendered.

Constraints and indexes are named by storage id, so a name never has to be looked up, stays true through
every rename, and collides with nothing that a table of the same name had before.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from django.db import models

from events.schema import FieldSchema
from projections import classes, fields
from projections.ddl.physical import SOURCE, TARGET, Item, Link, Lookup, Table, exact_collation, table_of

UNIQUE, INDEX, CHECK, REFERENCE = "unique", "index", "check", "reference"

# Stands in a check's expression for the column, which may be renamed.
COLUMN: Final = "{column}"

# Types whose value can stand as a literal in a column's DEFAULT on every database.
LITERAL: Final = (
    models.CharField,
    models.TextField,
    models.FileField,
    models.FilePathField,
    models.BinaryField,
    models.IntegerField,
    models.BooleanField,
    models.FloatField,
    models.DecimalField,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """`default` is a literal, empty for none.

    `key` marks the primary key, whose `suffix` makes the database number the rows.
    """

    name: str
    type: str
    null: bool = False
    default: str = ""
    collation: str = ""
    key: bool = False
    suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """`keys` are those of the shape's columns. A reference has `target`: table and column."""

    kind: str
    name: str
    keys: tuple[str, ...]
    opclass: str = ""
    expression: str = ""
    target: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A table, or the part of one that was asked for: columns by storage id, constraints by name."""

    name: str
    columns: dict[str, Column]
    constraints: dict[str, Constraint]

    def column_names(self, constraint: Constraint) -> list[str]:
        return [self.columns[key].name for key in constraint.keys]


class Describer:
    """Turns tables and link tables into shapes; `literal` writes a value as that database's SQL."""

    def __init__(self, connection: Any, lookup: Lookup, literal: Any) -> None:
        self.connection = connection
        self.lookup = lookup
        self.literal = literal

    def shape(self, item: Item, keys: Iterable[str] | None = None) -> Shape:
        """The whole shape, or only the columns with these keys and what hangs on them."""
        if isinstance(item, Link):
            return self._link(item)
        wanted = item.columns if keys is None else [key for key in keys if key in item.columns]
        columns = {} if keys is not None else {"id": self._id()}
        constraints: dict[str, Constraint] = {}
        for key in wanted:
            columns[key], found = self._column(item, item.columns[key])
            constraints |= {c.name: c for c in found}
        if item.together and all(key in columns for key in item.together):
            name = classes.together_name(item.schema)
            constraints[name] = Constraint(kind=UNIQUE, name=name, keys=item.together)
        return Shape(name=item.name, columns=columns, constraints=constraints)

    def _id(self) -> Column:
        key = models.BigAutoField(primary_key=True)
        suffix = key.db_type_suffix(self.connection) or ""
        return Column(name="id", type=str(key.db_type(self.connection)), key=True, suffix=suffix)

    def _link(self, link: Link) -> Shape:
        columns = {"id": self._id()}
        constraints: dict[str, Constraint] = {}
        for side, reference in ((SOURCE, link.schema.id), (TARGET, link.column.related_model)):
            table, column, key = table_of(reference, self.lookup, link.schema)
            columns[side] = Column(name=getattr(link, side), type=key.rel_db_type(self.connection))
            if side not in link.loose:
                stem = f"{stem_of(link.column)}_{side}"
                found = self._constraints(stem, side, columns[side].type, index=True, target=(table, column))
                constraints |= {c.name: c for c in found}
        if link.unique:
            name = f"{stem_of(link.column)}_uq"
            constraints[name] = Constraint(kind=UNIQUE, name=name, keys=(SOURCE, TARGET))
        return Shape(name=link.name, columns=columns, constraints=constraints)

    def _column(self, table: Table, column: FieldSchema) -> tuple[Column, tuple[Constraint, ...]]:
        if column.is_relation:
            made, index, target = self._relation(table, column)
            found: tuple[Constraint, ...] = ()
        else:
            made, index, found = self._plain(table, column)
            target = None
        if column.retired or column.storage in table.bare:
            return made, found
        unique = column.is_unique
        own = self._constraints(
            stem_of(column), column.storage, made.type, index=index, unique=unique, target=target
        )
        return made, (*found, *own)

    def _relation(self, table: Table, column: FieldSchema) -> tuple[Column, bool, tuple[str, str] | None]:
        name, key_column, key = table_of(column.related_model, self.lookup, table.schema)
        null = self._null(table, column)
        filled = table.filled.get(column.storage)
        default = "" if filled is None else self.literal(key.get_db_prep_save(filled, self.connection))
        made = Column(name=column.column, type=key.rel_db_type(self.connection), null=null, default=default)
        if column.storage in table.loose:
            return made, False, None
        return made, bool(column.options.get("db_index", True)), (name, key_column)

    def _plain(self, table: Table, column: FieldSchema) -> tuple[Column, bool, tuple[Constraint, ...]]:
        built: Any = fields.build(replace(column, help="", choices=()))
        built.column = COLUMN
        parameters = built.db_parameters(self.connection)
        null = self._null(table, column)
        made = Column(
            name=column.column,
            type=parameters["type"],
            null=null,
            default=self._default(table, column, built),
            collation=self._collation(column, parameters["type"]),
        )
        # MariaDB's unsigned and JSON types check by themselves.
        if not parameters["check"] or self.connection.vendor == "mysql":
            return made, bool(built.db_index), ()
        name = f"{stem_of(column)}_ck"
        expression = parameters["check"].replace("%%", "%")
        check = Constraint(kind=CHECK, name=name, keys=(column.storage,), expression=expression)
        return made, bool(built.db_index), (check,)

    def _null(self, table: Table, column: FieldSchema) -> bool:
        return column.retired or column.storage in table.relaxed or fields.nullable(column)

    def _default(self, table: Table, column: FieldSchema, built: Any) -> str:
        """Also while rows are filled: who does not know the column yet goes on inserting meanwhile."""
        value = table.filled.get(column.storage)
        if value is None and not column.retired and not fields.nullable(column):
            value = natural_default(built, column)
        if value is None:
            return ""
        text: str = self.literal(built.get_db_prep_save(value, self.connection))
        return text

    def _collation(self, column: FieldSchema, type_name: str) -> str:
        unique = column.unique or column.unique_together
        return exact_collation(self.connection) if unique and type_name.startswith("varchar") else ""

    def _constraints(
        self,
        stem: str,
        key: str,
        type_name: str,
        *,
        index: bool,
        unique: bool = False,
        target: tuple[str, str] | None = None,
    ) -> tuple[Constraint, ...]:
        found = []
        if unique:
            found.append(Constraint(kind=UNIQUE, name=f"{stem}_uq", keys=(key,)))
        elif index or (target is not None and self.connection.vendor == "mysql"):
            # MariaDB needs an index for each foreign key, and makes one of its own name if there is none.
            found.append(Constraint(kind=INDEX, name=f"{stem}_ix", keys=(key,)))
        if (index or unique) and self.connection.vendor == "postgresql" and _is_pattern(type_name):
            # As Django does: LIKE uses an index only with this operator class, unless the locale is C.
            opclass = f"{'varchar' if type_name.startswith('varchar') else 'text'}_pattern_ops"
            found.append(Constraint(kind=INDEX, name=f"{stem}_like", keys=(key,), opclass=opclass))
        if target is not None:
            found.append(Constraint(kind=REFERENCE, name=f"{stem}_fk", keys=(key,), target=target))
        return tuple(found)


def stem_of(column: FieldSchema) -> str:
    return f"dynamo_{column.storage.replace('-', '')}"


def natural_default(built: Any, column: FieldSchema) -> Any:
    """The DEFAULT that a NOT NULL column keeps, so that writers who do not know it yet can insert."""
    if not isinstance(built, LITERAL):
        return None
    empty = not column.required and built.empty_strings_allowed
    return built.get_default() if empty or column.default is not None else None


def _is_pattern(type_name: str) -> bool:
    return type_name.startswith(("varchar", "text")) and "[" not in type_name
