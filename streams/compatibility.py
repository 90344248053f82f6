"""Whether everything that satisfied one version of a schema can be read by the next: only additions with defaults.

Covers what :func:`msgspec.json.schema` writes (JSON Schema 2020-12).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

Schema: TypeAlias = Mapping[str, Any]

_LOWER_LIMITS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER_LIMITS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_SAME = ("pattern", "format", "multipleOf", "contentEncoding", "const")
_ALTERNATIVES = ("anyOf", "oneOf")


def incompatibilities(old: Schema, new: Schema) -> list[str]:
    """Return why records of the old schema cannot all be read by the new one, each with its place; none: they can."""
    return list(_Comparison(old, new).compare(old, new, "$"))


class _Comparison:
    """Compares two schemas, each with its own definitions; a pair of definitions is compared once."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str]] = set()

    def compare(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        if "$ref" in old and "$ref" in new:
            if (old["$ref"], new["$ref"]) in self._seen:
                return
            self._seen.add((old["$ref"], new["$ref"]))
        old, new = _resolved(old, self._old), _resolved(new, self._new)
        if _alternatives(old) or _alternatives(new):
            yield from self._compare_alternatives(old, new, at)
            return
        rules: tuple[Callable[[Schema, Schema, str], Iterator[str]], ...] = (
            _types,
            _enum,
            _limits,
            self._objects,
            self._arrays,
        )
        for rule in rules:
            yield from rule(old, new, at)

    def _compare_alternatives(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        """Each old alternative must be readable as one of the new ones; told is what the closest lacks."""
        for each in _alternatives(old) or [old]:
            attempts = []
            for other in _alternatives(new) or [new]:
                fresh = _Comparison(self._old, self._new)
                fresh._seen = set(self._seen)
                attempts.append(list(fresh.compare(each, other, at)))
            yield from min(attempts, key=len)

    def _objects(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        was, is_ = old.get("properties", {}), new.get("properties", {})
        for name, schema in was.items():
            if name not in is_:
                yield f"{at}.{name}: removed"
            else:
                yield from self.compare(schema, is_[name], f"{at}.{name}")
        required = set(new.get("required", ())) - set(old.get("required", ()))
        for name in sorted(required):
            yield f"{at}.{name}: " + ("had a default, has none now" if name in was else "added without a default")
        yield from self._additional(old.get("additionalProperties", True), new.get("additionalProperties", True), at)

    def _additional(self, old: Any, new: Any, at: str) -> Iterator[str]:
        """Values of names that the schema does not list, as a mapping has."""
        if new is True or old is False:
            return
        if new is False:
            yield f"{at}: refuses other names, which were allowed"
        else:
            yield from self.compare({} if old is True else old, new, f"{at}.*")

    def _arrays(self, old: Schema, new: Schema, at: str) -> Iterator[str]:
        was, is_ = old.get("prefixItems", []), new.get("prefixItems", [])
        for index, (one, other) in enumerate(zip(was, is_, strict=False)):
            yield from self.compare(one, other, f"{at}[{index}]")
        if len(was) != len(is_):
            yield f"{at}: had {len(was)} places, has {len(is_)}"
        rest, rest_now = old.get("items", True), new.get("items", True)
        if rest_now is True or rest is False:
            return
        if rest_now is False:
            yield f"{at}: refuses more items, which were allowed"
        else:
            yield from self.compare({} if rest is True else rest, rest_now, f"{at}[]")


def _resolved(schema: Schema, root: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = root
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            found = found[part]
        schema = found
    return schema


def _alternatives(schema: Schema) -> list[Schema]:
    return [each for word in _ALTERNATIVES for each in schema.get(word, ())]


def _types(old: Schema, new: Schema, at: str) -> Iterator[str]:
    was, is_ = _type_names(old), _type_names(new)
    if is_ and not (was and was <= is_):
        yield f"{at}: was {_words(was)}, is {_words(is_)}"


def _type_names(schema: Schema) -> set[str]:
    """Return the types a value may have; empty: any. A number may also be whole."""
    said = schema.get("type", ())
    if not said and "enum" in schema:
        return {_type_of(value) for value in schema["enum"]}
    names = {said} if isinstance(said, str) else set(said)
    return names | {"integer"} if "number" in names else names


def _type_of(value: object) -> str:
    known = {bool: "boolean", int: "integer", str: "string", type(None): "null"}
    return known.get(type(value), "any")


def _words(names: set[str]) -> str:
    return " or ".join(sorted(names)) or "anything"


def _enum(old: Schema, new: Schema, at: str) -> Iterator[str]:
    if "enum" not in new:
        return
    if "enum" not in old:
        yield f"{at}: was free, is one of {new['enum']}"
        return
    gone = [value for value in old["enum"] if value not in new["enum"]]
    if gone:
        yield f"{at}: no longer one of {gone}"


def _limits(old: Schema, new: Schema, at: str) -> Iterator[str]:
    for name in _LOWER_LIMITS:
        if name in new and not (name in old and old[name] >= new[name]):
            yield f"{at}: {name} was {old.get(name, 'open')}, is {new[name]}"
    for name in _UPPER_LIMITS:
        if name in new and not (name in old and old[name] <= new[name]):
            yield f"{at}: {name} was {old.get(name, 'open')}, is {new[name]}"
    for name in _SAME:
        if name in new and old.get(name) != new[name]:
            yield f"{at}: {name} was {old.get(name, 'open')!r}, is {new[name]!r}"
