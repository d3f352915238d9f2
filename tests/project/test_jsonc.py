"""JSON of strangers -> plain values."""

import json

from imageopt.project.jsonc import list_of, parse_object, text_of, texts_of


def test_half_a_character_becomes_a_whole_one() -> None:
    data = parse_object(
        json.dumps({"name": "a\ud800", "scripts": {"b\udc00": "c\udfff"}, "files": ["\ud83d\ude00\ud800"]})
    )
    assert data is not None
    assert text_of(data["name"]) == "a\ufffd"
    assert texts_of(data["scripts"]) == {"b\ufffd": "c\ufffd"}
    assert list_of(data["files"]) == ("\U0001f600\ufffd",)
