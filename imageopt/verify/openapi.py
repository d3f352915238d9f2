"""An OpenAPI description -> the paths that can be asked with GET as it stands.

A parameter without an example or a default has no value that means anything, so its path is left out. Nothing but GET
is ever taken from a description: the others change what they are asked about.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from imageopt.errors import InputError
from imageopt.project.files import read_text
from imageopt.project.yaml_tree import parse_yaml, plain

_USUAL_FILES = tuple(
    f"{folder}{name}.{ending}"
    for folder in ("", "docs/", "api/")
    for name in ("openapi", "swagger")
    for ending in ("json", "yaml", "yml")
)
_PARAMETER = re.compile(r"\{([^}]*)\}")


def described_paths(root: Path, file: str | None) -> tuple[str, ...]:
    """The paths, sorted; `file` is relative to the root, None for the usual names.

    Raises InputError where the named file is not there or no description.
    """
    for name in (file,) if file is not None else _USUAL_FILES:
        text = read_text(root, name, limit=4 << 20)
        if text is None:
            continue
        try:
            documents = parse_yaml(text, name)  # JSON is YAML
        except InputError:
            if file is not None:
                raise
            return ()
        document = plain(documents[0]) if documents else None
        return tuple(sorted(set(_paths(document if isinstance(document, Mapping) else {}))))
    if file is not None:
        raise InputError(f"the OpenAPI file {file} cannot be read", "check verify.openapi in imageopt.toml")
    return ()


def _paths(document: Mapping[str, Any]) -> Iterator[str]:
    prefix = _prefix(document)
    for path, item in _table(document.get("paths")).items():
        operations = _table(item)
        if "get" not in operations:
            continue
        get = _table(operations["get"])
        parameters = [_table(one) for one in (*_list(operations.get("parameters")), *_list(get.get("parameters")))]
        filled = _filled(str(path), parameters)
        if filled is not None and filled.startswith("/"):
            yield prefix + filled


def _prefix(document: Mapping[str, Any]) -> str:
    """The path of the first server (OpenAPI 3), or the base path (Swagger 2), without a slash at its end."""
    servers = _list(document.get("servers"))
    url = str(_table(servers[0]).get("url", "")) if servers else str(document.get("basePath", ""))
    path = urlsplit(url).path if "{" not in url else ""
    return path.rstrip("/")


def _filled(path: str, parameters: list[Mapping[str, Any]]) -> str | None:
    values = {str(one.get("name", "")): _value(one) for one in parameters if one.get("in") == "path"}
    wanted = _PARAMETER.findall(path)
    if any(values.get(name) is None for name in wanted):
        return None
    query = []
    for one in parameters:
        if one.get("in") == "query" and str(one.get("required")).lower() == "true":
            value = _value(one)
            if value is None:
                return None
            query.append((str(one.get("name", "")), value))
    path = _PARAMETER.sub(lambda found: quote(values[found[1]] or "", safe=""), path)
    return f"{path}?{urlencode(query)}" if query else path


def _value(parameter: Mapping[str, Any]) -> str | None:
    schema = _table(parameter.get("schema"))
    for value in (parameter.get("example"), schema.get("example"), schema.get("default"), parameter.get("default")):
        if isinstance(value, str | int | float):
            return str(value)
    return None


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
