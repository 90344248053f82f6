"""The checker of schemas: it finds every change by which old records can no longer be read."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Any

import jsonschema
import msgspec
import pytest

from streams.compatibility import incompatibilities


class Kind(Enum):
    A = "a"
    B = "b"


class Fewer(Enum):
    A = "a"


class More(Enum):
    A = "a"
    B = "b"
    C = "c"


class Part(msgspec.Struct):
    kind: Kind = Kind.A


class Tick(msgspec.Struct, tag="tick"):
    number: int


class Batch(msgspec.Struct, tag="batch"):
    rows: list[int]


class Tree(msgspec.Struct):
    value: int
    children: list[Tree] = []


def _struct(*fields: Any, **options: Any) -> Any:
    return msgspec.json.schema(msgspec.defstruct("Thing", list(fields), kw_only=True, **options))


FIELDS: tuple[Any, ...] = (
    ("a", int),
    ("b", str, "x"),
    ("c", list[Part], []),
    ("d", tuple[int, str], (1, "")),
    ("e", dict[str, int]),
)
OLD = _struct(*FIELDS)


def _with(name: str, *field: Any) -> Any:
    """The old fields, one of them replaced or added."""
    fields = {one[0]: one for one in FIELDS} | {name: (name, *field)}
    return _struct(*fields.values())


class _PartWithFewer(msgspec.Struct):
    kind: Fewer = Fewer.A


class _PartWithMore(msgspec.Struct):
    kind: More = More.A
    added: int = 0


INCOMPATIBLE = [
    ("removed", _struct(*FIELDS[1:]), "$.a: removed"),
    ("removed deep", _with("c", list[msgspec.defstruct("Empty", [])], []), "$.c[].kind: removed"),  # type: ignore[misc]
    ("retyped", _with("a", str), "$.a: was integer, is string"),
    ("narrowed", _with("b", int, 0), "$.b: was string, is integer"),
    ("added without a default", _with("new", int), "$.new: added without a default"),
    ("lost its default", _with("b", str), "$.b: had a default, has none now"),
    ("value gone", _with("c", list[_PartWithFewer], []), "$.c[].kind: no longer one of ['b']"),
    ("text becomes a closed set", _with("b", Kind, Kind.A), "$.b: was free, is one of ['a', 'b']"),
    ("mapping retyped", _with("e", dict[str, str]), "$.e.*: was integer, is string"),
    ("place added", _with("d", tuple[int, str, int], (1, "", 0)), "$.d: had 2 places, has 3"),
    ("place retyped", _with("d", tuple[int, int], (1, 0)), "$.d[1]: was string, is integer"),
    ("array becomes one", _with("c", Part), "$.c: was array, is object"),
    ("limit", _with("a", Annotated[int, msgspec.Meta(ge=0)]), "$.a: minimum was open, is 0"),
    ("pattern", _with("b", Annotated[str, msgspec.Meta(pattern="^a")], "a"), "$.b: pattern was 'open', is '^a'"),
    ("strangers refused", _struct(*FIELDS, forbid_unknown_fields=True), "$: refuses other names, which were allowed"),
]


@pytest.mark.parametrize(("new", "reason"), [case[1:] for case in INCOMPATIBLE], ids=[case[0] for case in INCOMPATIBLE])
def test_what_old_records_do_not_survive_is_found(new: Any, reason: str) -> None:
    """A change that old records may not survive is told with its place."""
    assert reason in incompatibilities(OLD, new)


COMPATIBLE = [
    ("nothing", OLD),
    ("added with a default", _with("new", int, 0)),
    ("no longer required", _with("a", int, 0)),
    ("whole numbers become any", _with("a", float)),
    ("may be none", _with("a", int | None)),
    ("more values, deep", _with("c", list[_PartWithMore], [])),
    ("mapping of more", _with("e", dict[str, float])),
]


@pytest.mark.parametrize("new", [case[1] for case in COMPATIBLE], ids=[case[0] for case in COMPATIBLE])
def test_what_old_records_survive_is_allowed(new: Any) -> None:
    """Additions with defaults and wider types are no incompatibility: an old record satisfies the new schema."""
    assert incompatibilities(OLD, new) == []
    old = {"a": 1, "b": "x", "c": [{"kind": "b"}], "d": [1, "y"], "e": {"k": 2}}
    jsonschema.Draft202012Validator(OLD).validate(old)
    jsonschema.Draft202012Validator(new).validate(old)


def test_limits_may_only_widen() -> None:
    """A wider limit reads what was written under a closer one, not the other way round."""
    close = {"type": "integer", "minimum": 1, "maximum": 5}
    wide = {"type": "integer", "minimum": 0, "maximum": 9}
    assert incompatibilities(close, wide) == []
    assert incompatibilities(wide, close) == ["$: minimum was 0, is 1", "$: maximum was 9, is 5"]


def test_alternatives_may_only_be_added() -> None:
    """A kind of record may be added to a union, none removed or changed; a field that may be none stays so."""
    one, two = msgspec.json.schema(Tick), msgspec.json.schema(Tick | Batch)
    assert incompatibilities(one, two) == []
    assert any("no longer one of ['batch']" in reason for reason in incompatibilities(two, one))
    changed = msgspec.defstruct("Tick", [("number", str)], tag="tick")
    assert incompatibilities(two, msgspec.json.schema(changed | Batch)) == ["$.number: was integer, is string"]
    assert incompatibilities(msgspec.json.schema(int | None), msgspec.json.schema(int)) == ["$: was null, is integer"]


def test_schemas_that_hold_themselves() -> None:
    """A recursive schema is compared to its end."""
    tree = msgspec.json.schema(Tree)
    assert incompatibilities(tree, tree) == []
    other = {**tree, "$defs": {"Tree": {**tree["$defs"]["Tree"], "required": ["value", "children"]}}}
    assert incompatibilities(tree, other) == ["$.children: had a default, has none now"]
