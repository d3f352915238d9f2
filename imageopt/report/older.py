"""A result of an older version -> the same with every field that today's reports read.

The schema says what is missing. An unknown value is null, or `unknown` where a text must be, and an unknown list is
empty, so what was never looked at must not read like nothing found: a line among the notes names what is not told.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from imageopt.resources import schema_file

Json = Mapping[str, Any]
_NAMED = 6


def completed(document: Json) -> Json:
    """The document with what its schema has and it lacks. Raises KeyError for one that has less than half of it."""
    schema = json.loads(schema_file(str(document["schema"]).removeprefix("imageopt.").replace("/", "-")).read_bytes())
    lacking = [name for name in schema["required"] if name not in document]
    if 2 * len(lacking) > len(schema["required"]):
        raise KeyError(lacking[0])
    reader = _Reader(schema.get("$defs", {}))
    whole: dict[str, Any] = reader.filled(document, schema, "")
    if reader.missing:
        place = "notes" if "notes" in schema["properties"] else "not_checked"
        whole[place] = [*(whole.get(place) or ()), _told(list(reader.missing))]
    return whole


def _told(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"written by an older version, which did not tell {', '.join(names[:_NAMED])}{more}"


class _Reader:
    """Fills by a schema; `missing` are the names of what had to be there, in the order they were missed."""

    def __init__(self, definitions: Json) -> None:
        self._definitions = definitions
        self.missing: dict[str, None] = {}

    def filled(self, value: Any, schema: Json, name: str) -> Any:
        """The value with the fields that it lacks."""
        form = self._fitting(value, schema)
        match value:
            case dict():
                known: Json = form.get("properties", {})
                if not known:
                    other = form.get("additionalProperties")
                    return {key: self.filled(one, other, name) for key, one in value.items()} if other else value
                whole = {key: self.filled(one, known.get(key, {}), _below(name, key)) for key, one in value.items()}
                return whole | dict(self._lacking(value, form, name))
            case list() if isinstance(form.get("items"), dict):
                return [self.filled(one, form["items"], name) for one in value]
            case _:
                return value

    def _lacking(self, value: Json, form: Json, name: str) -> Iterator[tuple[str, Any]]:
        required = form.get("required", ())
        for key, schema in form["properties"].items():
            if key in value:
                continue
            if key in required:
                self.missing[_below(name, key)] = None
            if key in required or self._types(schema) & {"null", "array"}:
                yield key, self._unknown(schema)

    def _unknown(self, schema: Json) -> Any:
        """What stands for a value of the schema that nobody knows."""
        types = self._types(schema)
        if "null" in types or not types & {"array", "object", "string"}:
            return None
        if "object" not in types:
            return [] if "array" in types else "unknown"
        form = self._fitting({}, schema)
        return {key: self._unknown(of_key) for key, of_key in form.get("properties", {}).items()}

    def _types(self, schema: Json) -> set[str]:
        found: set[str] = set()
        for form in self._forms(schema):
            named = form.get("type", ())
            found |= {named} if isinstance(named, str) else set(named)
        return found

    def _fitting(self, value: Any, schema: Json) -> Json:
        """Of the schema's alternatives the one whose fields the value has most of."""
        held = value if isinstance(value, dict) else {}
        wanted = "properties" if isinstance(value, dict) else "items"
        forms = [form for form in self._forms(schema) if wanted in form] or self._forms(schema)
        return max(forms, key=lambda form: len(set(held) & set(form.get("properties", ()))))

    def _forms(self, schema: Json) -> list[Json]:
        """The schema's alternatives, references followed."""
        if "$ref" in schema:
            return self._forms(self._definitions[schema["$ref"].removeprefix("#/$defs/")])
        options = schema.get("anyOf") or schema.get("oneOf")
        return [form for option in options for form in self._forms(option)] if options else [schema]


def _below(name: str, key: str) -> str:
    return f"{name}.{key}" if name else key
