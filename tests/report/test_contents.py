"""Packages, inventory and setuid files as JSON, held against the schema."""

import json

from imagebuilder import file
from imageof import image_of
from jsonschema import Draft202012Validator

from imageopt.evidence.join import join
from imageopt.report.analysis import image_section
from imageopt.report.contents import packages_section
from imageopt.resources import schema_file

RAW = "L2FwcC9ub2RlX21vZHVsZXMvYS9igC5qcy5tYXA="  # /app/node_modules/a/b\x80.js.map
SITE = "usr/local/lib/python3.11/site-packages"
IMAGE = image_of(
    [
        file("var/lib/dpkg/status", b"Package: sudo\nStatus: install ok installed\nVersion: 1.9\n"),
        file("var/lib/dpkg/info/sudo.list", b"/usr/bin/sudo\n"),
        file("usr/bin/sudo", b"1" * 100, mode=0o4755),
    ],
    [
        file(f"{SITE}/tool-1.dist-info/RECORD", b"tool.py,,\n"),
        file(f"{SITE}/tool.py", b"2" * 50),
        file("app/node_modules/b/package.json", b'{"name": "b", "version": "2"}'),
        file("app/node_modules/a/package.json", b'{"name": "a", "version": "1"}'),
        file("app/node_modules/a/b\udc80.js.map", b"3" * 1000, mode=0o2755),
    ],
)


def test_packages_by_manager_biggest_first() -> None:
    sections = packages_section(IMAGE.packages)
    assert [(row["manager"], row["count"], row["bytes"]) for row in sections] == [
        ("npm", 2, 29 + 29 + 1000), ("dpkg", 1, 100), ("python", 1, 50),
    ]  # fmt: skip
    npm, dpkg, python = (row["items"] for row in sections)
    assert [item["name"] for item in npm] == ["a", "b"]
    assert npm[1] == {
        "name": "b", "version": "2", "bytes": 29, "layer": 1, "path": "/app/node_modules/b", "dev": None,
        "provided_by": None,
    }  # fmt: skip
    assert (dpkg[0]["layer"], dpkg[0]["path"]) == (0, None)
    assert (python[0]["name"], python[0]["path"]) == ("tool", f"/{SITE}/tool-1.dist-info")


def test_the_parts_fit_the_schema() -> None:
    section = image_section(join(IMAGE, None, None))
    assert section is not None
    schema = json.loads(schema_file("analysis-1").read_text())
    Draft202012Validator({**schema["$defs"]["image"], "$defs": schema["$defs"]}).validate(section)
    assert section["inventory"] == [
        {"group": "development", "kind": "source-maps", "live_bytes": 1000, "unpacked_bytes": 1000, "file_count": 1,
         "layers": [1]},
    ]  # fmt: skip
    assert [row["path_raw"] for row in section["folders"] if "path_raw" in row] == [RAW]
    assert section["setuid"] == [
        {"path": "/app/node_modules/a/b\\x80.js.map", "mode": "2755", "uid": 0, "gid": 0, "bytes": 1000, "layer": 1,
         "path_raw": RAW},
        {"path": "/usr/bin/sudo", "mode": "4755", "uid": 0, "gid": 0, "bytes": 100, "layer": 0},
    ]  # fmt: skip
