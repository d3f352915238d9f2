"""What an OpenAPI description lets be asked as it stands."""

import json
from pathlib import Path

import pytest

from imageopt.errors import InputError
from imageopt.verify.openapi import described_paths

DESCRIPTION = """\
openapi: 3.0.0
servers: [{url: "https://example.com/v1/"}]
paths:
  /users: {get: {}, post: {}}
  /users/{id}: {get: {parameters: [{name: id, in: path, schema: {example: 7}}]}}
  /teams/{id}: {get: {parameters: [{name: id, in: path}]}}
  /search: {get: {parameters: [{name: q, in: query, required: true, example: a b}, {name: page, in: query}]}}
  /find: {get: {parameters: [{name: q, in: query, required: true}]}}
  /orders: {post: {}}
"""


def test_paths_with_values_for_all_they_need_and_only_get(tmp_path: Path) -> None:
    (tmp_path / "openapi.yaml").write_text(DESCRIPTION)
    assert described_paths(tmp_path, None) == ("/v1/search?q=a+b", "/v1/users", "/v1/users/7")


def test_the_older_format_and_json(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "swagger.json").write_text(json.dumps({"basePath": "/api", "paths": {"/a": {"get": {}}}}))
    assert described_paths(tmp_path, None) == ("/api/a",)


@pytest.mark.parametrize("text", ["", "[]", "paths: 3", "paths: {/a: 1, b: {get: {}}}", "servers: 1\npaths: {}"])
def test_what_is_no_description_describes_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "openapi.yml").write_text(text)
    assert described_paths(tmp_path, None) == ()


def test_a_named_file_has_to_be_there_and_be_read(tmp_path: Path) -> None:
    assert described_paths(tmp_path, None) == ()
    with pytest.raises(InputError, match="cannot be read"):
        described_paths(tmp_path, "api.yaml")
    (tmp_path / "api.yaml").write_text("a: [")
    with pytest.raises(InputError):
        described_paths(tmp_path, "api.yaml")
    (tmp_path / "openapi.yaml").write_text("a: [")
    assert described_paths(tmp_path, None) == ()
