"""Schema values: what a model and its fields are, frozen and comparable. No Django."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, NoReturn, TypeAlias

import orjson

Json: TypeAlias = "bool | int | float | str | tuple[Any, ...] | Frozen | None"

RELATIONS: Final = frozenset({"ForeignKey", "OneToOneField", "ManyToManyField"})
MANY_TO_MANY: Final = "ManyToManyField"

# A description is for readers: it is recorded, but neither class, table nor admin change with it.
RECORD_ONLY: Final = frozenset({"description"})


# What is immutable as it is; asked first, as most values are of these.
SCALARS: Final = frozenset({str, int, float, bool, type(None)})


class Frozen(dict[str, Any]):
    """A JSON object that cannot change and can be hashed; orjson writes it as an object."""

    __slots__ = ()

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("a schema value cannot be changed; build a new one")

    __setitem__ = __delitem__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __ior__(self, other: object) -> NoReturn:  # type: ignore[misc]  # a mutator too
        self._refuse()

    def __hash__(self) -> int:  # type: ignore[override]  # dict is unhashable as it can change
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[type[Frozen], tuple[dict[str, Any]]]:
        return Frozen, (dict(self),)

    def __copy__(self) -> Frozen:
        return self

    def __deepcopy__(self, memo: object) -> Frozen:
        return self


def freeze(value: Any) -> Any:
    """Turn JSON data into its immutable form: lists become tuples, objects become Frozen."""
    kind = value.__class__
    if kind in SCALARS:
        return value
    if kind is dict or isinstance(value, Mapping):
        return Frozen({str(key): freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    return value


def thaw(value: Any) -> Any:
    """Give plain lists and dicts back, for code that hands JSON data to others."""
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in value]
    return value


def canonical(value: Any) -> bytes:
    """JSON bytes that are equal exactly when the values are: sorted keys, no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON; Python's == would also call 1, 1.0 and True equal."""
    return one is other or (one == other and canonical(one) == canonical(other))


def digest(value: Any) -> str:
    return hashlib.sha256(canonical(value)).hexdigest()


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldSchema:
    """One field. `id` never changes; `storage` names the physical column through renames and retyping.

    `related_model` is the id of a generated model, or "app.Model" for a hand-written one. `column` is
    the physical column, or "" for a many-to-many, whose link table is `table` with the columns
    `link_columns`: that of its own model first, then that of the target.
    """

    id: str
    name: str
    type: str
    storage: str
    column: str = ""
    table: str = ""
    link_columns: tuple[str, ...] = ()
    related_model: str = ""
    order: int = 0
    verbose_name: str = ""
    description: str = ""
    help: str = ""
    required: bool = False
    unique: bool = False
    unique_together: bool = False
    choices: tuple[Any, ...] = ()
    default: Any = None
    options: Frozen = Frozen()
    retired: bool = False

    def __post_init__(self) -> None:
        for name in ("choices", "default", "options", "link_columns"):
            object.__setattr__(self, name, freeze(getattr(self, name)))

    @classmethod
    def of(cls, given: dict[str, Any]) -> FieldSchema:
        """The field of a JSON object with all attributes, which it takes over.

        Replaying makes hundreds of thousands of these, and most of what a constructor does is not needed
        there. Raises TypeError where an attribute is missing or unknown.
        """
        if tuple(given) != IN_JSON and given.keys() != FIELD_NAMES:
            return cls(**given)
        return _adopted(cls, given)

    @classmethod
    def all_of(cls, given: list[dict[str, Any]]) -> tuple[FieldSchema, ...]:
        """The fields of JSON objects that were written together, so that all have the first one's names."""
        if given and tuple(given[0]) != IN_JSON:
            return tuple(map(cls.of, given))
        return tuple([_adopted(cls, one) for one in given])

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, FieldSchema) and same(_values(self), _values(other))

    def is_like(self, other: FieldSchema) -> bool:
        """Whether class and table see no difference."""
        return self is other or same(_seen_values(self), _seen_values(other))

    def __hash__(self) -> int:
        return hash((self.id, self.name, self.type, self.storage))

    @property
    def is_relation(self) -> bool:
        return self.type in RELATIONS

    @property
    def is_unique(self) -> bool:
        """Whether no two rows have the same value: by the flag, or as a one-to-one."""
        return self.unique or self.type == "OneToOneField"

    @property
    def is_many_to_many(self) -> bool:
        return self.type == MANY_TO_MANY

    def attributes(self) -> dict[str, Any]:
        return dict(zip(FIELD_ATTRIBUTES, _values(self), strict=True))

    def fingerprint(self) -> str:
        """Hash of every attribute: decides whether an event is appended."""
        return digest(self.attributes())

    def shape(self) -> dict[str, Any]:
        return {name: value for name, value in self.attributes().items() if name not in RECORD_ONLY}


@dataclass(frozen=True, kw_only=True)
class ModelSchema:
    """One model with its fields in display order, and the columns that were retired from it."""

    id: str
    name: str
    app: str
    db_table: str
    description: str = ""
    admin: bool = True
    options: Frozen = Frozen()
    retired: bool = False
    version: int = 0
    fields: tuple[FieldSchema, ...] = ()
    retired_fields: tuple[FieldSchema, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", freeze(self.options))

    @classmethod
    def of(
        cls, given: dict[str, Any], fields: tuple[FieldSchema, ...], retired: tuple[FieldSchema, ...]
    ) -> ModelSchema:
        """The model of a JSON object with all attributes and the version, which it takes over.

        The fields are in order. Raises TypeError where an attribute is missing or unknown.
        """
        given["fields"], given["retired_fields"] = fields, retired
        if given.keys() != MODEL_NAMES:
            return cls(**given)
        given["options"] = _shared(given["options"]) if given["options"] else NOTHING
        made = object.__new__(cls)
        object.__setattr__(made, "__dict__", given)
        return made

    @property
    def label(self) -> str:
        return f"{self.app}.{self.name}"

    @property
    def key(self) -> tuple[str, str]:
        """The key under which Django's app registry finds the class."""
        return self.app, self.name.lower()

    def attributes(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in MODEL_ATTRIBUTES}

    def field(self, field_id: str) -> FieldSchema | None:
        return next((f for f in self.fields if f.id == field_id), None)

    def retired_field(self, field_id: str) -> FieldSchema | None:
        return next((f for f in self.retired_fields if f.id == field_id), None)

    def with_field(self, field: FieldSchema) -> ModelSchema:
        """Add the field, or put it in the place of the one with its id."""
        others = (f for f in self.fields if f.id != field.id)
        return replace(self, fields=in_order((*others, field)))

    def without_field(self, field_id: str) -> ModelSchema:
        return replace(self, fields=tuple(f for f in self.fields if f.id != field_id))

    def with_retired(self, field: FieldSchema) -> ModelSchema:
        return replace(self, retired_fields=by_id((*self.retired_fields, field)))

    def without_retired(self, field_id: str) -> ModelSchema:
        return replace(self, retired_fields=tuple(f for f in self.retired_fields if f.id != field_id))

    def fingerprint(self) -> str:
        """Hash of every attribute of the model and its fields, of the version not."""
        return digest([self.attributes(), [f.attributes() for f in (*self.fields, *self.retired_fields)]])

    def shape_fingerprint(self) -> str:
        """Hash of what class, table and admin are made of: decides whether they are touched."""
        own = {name: value for name, value in self.attributes().items() if name not in RECORD_ONLY}
        return digest([own, [f.shape() for f in (*self.fields, *self.retired_fields)]])

    def is_like(self, other: ModelSchema) -> bool:
        """Whether class, table and admin see no difference: equal shape fingerprints."""
        mine, others = (*self.fields, *self.retired_fields), (*other.fields, *other.retired_fields)
        return (
            (len(self.fields), len(mine)) == (len(other.fields), len(others))
            and same(_seen_model_values(self), _seen_model_values(other))
            and all(f.is_like(g) for f, g in zip(mine, others, strict=True))
        )

    def as_dict(self) -> dict[str, Any]:
        return thaw(asdict(self))  # type: ignore[no-any-return]  # thaw of a dict is a dict


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The whole registry at one position: models by id, retired ones included."""

    position: int = 0
    models: Frozen = Frozen()

    def live(self) -> tuple[ModelSchema, ...]:
        return tuple(m for m in self.models.values() if not m.retired)

    def model(self, label: str) -> ModelSchema | None:
        wanted = label.lower()
        return next((m for m in self.live() if m.label.lower() == wanted), None)

    def fingerprint(self) -> str:
        return digest({model_id: model.fingerprint() for model_id, model in self.models.items()})

    def as_dict(self) -> dict[str, Any]:
        models = sorted(self.models.values(), key=lambda m: (m.app, m.name, m.id))
        return {"position": self.position, "models": [m.as_dict() for m in models]}


FIELD_ATTRIBUTES: Final = tuple(f.name for f in fields(FieldSchema))
MODEL_ATTRIBUTES: Final = tuple(
    f.name for f in fields(ModelSchema) if f.name not in {"version", "fields", "retired_fields"}
)

_values = attrgetter(*FIELD_ATTRIBUTES)
_seen_values = attrgetter(*(name for name in FIELD_ATTRIBUTES if name not in RECORD_ONLY))
_seen_model_values = attrgetter(*(name for name in MODEL_ATTRIBUTES if name not in RECORD_ONLY))


FIELD_NAMES: Final = frozenset(FIELD_ATTRIBUTES)
MODEL_NAMES: Final = frozenset({*MODEL_ATTRIBUTES, "version", "fields", "retired_fields"})
# The order that they have in canonical JSON.
IN_JSON: Final = tuple(sorted(FIELD_ATTRIBUTES))
NOTHING: Final = Frozen()

_in_order = attrgetter("order", "name", "id")
_by_id = attrgetter("id")


def _adopted(cls: type[FieldSchema], given: dict[str, Any]) -> FieldSchema:
    given["choices"] = freeze(choices) if (choices := given["choices"]) else ()
    given["link_columns"] = tuple(columns) if (columns := given["link_columns"]) else ()
    given["options"] = _shared(options) if (options := given["options"]) else NOTHING
    if (default := given["default"]) is not None:
        given["default"] = freeze(default)
    made = object.__new__(cls)
    object.__setattr__(made, "__dict__", given)
    return made


def _shared(options: dict[str, Any]) -> Frozen:
    """Most fields have the options of many others, and a value that cannot change may be the same one."""
    try:
        # 1 and True are the same key, and not the same JSON.
        return _frozen_options(tuple((name, value.__class__, value) for name, value in options.items()))
    except TypeError:
        return freeze(options)  # type: ignore[no-any-return]  # of a dict it makes a Frozen


@lru_cache(maxsize=4_096)
def _frozen_options(items: tuple[tuple[str, type, Any], ...]) -> Frozen:
    return Frozen({name: value for name, _, value in items})


def by_id(items: Iterable[FieldSchema]) -> tuple[FieldSchema, ...]:
    """The order of retired fields."""
    return tuple(sorted(items, key=_by_id))


def in_order(items: Iterable[FieldSchema]) -> tuple[FieldSchema, ...]:
    return tuple(sorted(items, key=_in_order))


def changed(before: dict[str, Any], after: dict[str, Any]) -> frozenset[str]:
    return frozenset(name for name in after if not same(after[name], before[name]))
