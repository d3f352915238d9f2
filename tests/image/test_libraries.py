"""Python's distributions and composer's packages: whose files they are, and who brought them."""

import json

import pytest
from imagebuilder import file
from imageof import image_of

from imageopt.image.model import LibraryPackage

SITE = "usr/local/lib/python3.11/site-packages"
DEBIAN = "usr/lib/python3/dist-packages"
RECORD = b"""\
tool/__init__.py,sha256=x,10
tool/a.py,sha256=x,20
"tool/with,comma.txt",,
tool-1.0.dist-info/METADATA,sha256=x,30
tool-1.0.dist-info/RECORD,,
tool/gone.py,,
../../../bin/tool,sha256=x,7
/etc/tool.conf,,
"""


def test_a_wheel_owns_what_its_record_lists() -> None:
    metadata = b"Metadata-Version: 2.1\nName: Tool.Kit\nVersion: 1.0.post1\n\nVersion: none\n"
    image = image_of(
        [file("bin/python", b"p")],
        [
            file(f"{SITE}/tool/__init__.py", b"1" * 10),
            file(f"{SITE}/tool/a.py", b"2" * 20),
            file(f"{SITE}/tool/__pycache__/a.cpython-311.pyc", b"3" * 40),
            file(f"{SITE}/tool/__pycache__/a.cpython-311.opt-1.pyc", b"4" * 5),
            file(f"{SITE}/tool/__pycache__/b.cpython-311.pyc", b"other" * 100),
            file(f"{SITE}/tool/with,comma.txt", b"5" * 3),
            file(f"{SITE}/tool-1.0.dist-info/METADATA", metadata),
            file(f"{SITE}/tool-1.0.dist-info/RECORD", RECORD),
            file("usr/local/bin/tool", b"7" * 7),
            file("etc/tool.conf", b"8" * 8),
        ],
    )
    expected = 10 + 20 + 40 + 5 + 3 + len(metadata) + len(RECORD) + 7 + 8
    assert image.packages.libraries == (
        LibraryPackage(
            "python", "Tool.Kit", "1.0.post1", f"{SITE}/tool-1.0.dist-info", expected, 1, None, "",
            ("usr/local/bin/tool", "etc/tool.conf"),
        ),
    )  # fmt: skip


def test_two_records_share_no_byte() -> None:
    record = b"shared.py,,\n"
    image = image_of(
        [
            file(f"{SITE}/shared.py", b"1" * 50),
            file(f"{SITE}/b-2.dist-info/RECORD", record),
            file(f"{SITE}/a-1.dist-info/RECORD", record),
        ]
    )
    assert [(each.name, each.version, each.bytes) for each in image.packages.libraries] == [
        ("a", "1", 50),
        ("b", "2", 0),
    ]


STATUS = b"Package: python3-yaml\nStatus: install ok installed\nArchitecture: all\nVersion: 6\n"
WITHOUT_LIST = [
    # what lies there, expected (name, version, bytes)
    (  # Debian: no list, the importable names
        {"PyYAML-6.0.egg-info/PKG-INFO": b"Name: PyYAML\nVersion: 6.0\n", "PyYAML-6.0.egg-info/top_level.txt": b"_yaml\nyaml\n",
         "yaml/__init__.py": b"1" * 10, "yaml/deep/x.so": b"2" * 20, "_yaml/__init__.py": b"3", "other/x.py": b"9" * 99},
        ("PyYAML", "6.0", 26 + 11 + 31),
    ),
    (  # a record that is one file, a module that is one file
        {"six-1.16.0.egg-info": b"Name: six\nVersion: 1.16.0\n", "six.py": b"1" * 40},
        ("six", "1.16.0", 26 + 40),
    ),
    (  # setup.py install, as pip recorded it: relative to the record
        {"old-1.egg-info/PKG-INFO": b"Name: old\nVersion: 1\n", "old-1.egg-info/installed-files.txt": b"../old/a.py\nPKG-INFO\n",
         "old/a.py": b"1" * 5, "old/not-listed.py": b"2" * 50},
        ("old", "1", 5 + 21),
    ),
    (  # an egg is a folder of its own
        {"e-3-py3.11.egg/EGG-INFO/PKG-INFO": b"Name: e\nVersion: 3\n", "e-3-py3.11.egg/e/a.py": b"1" * 6},
        ("e", "3", 19 + 6),
    ),
    (  # no headers: the record's own name
        {"plain-2.5-py3.11.egg-info/top_level.txt": b"", "plain/a.py": b"1"},
        ("plain", "2.5", 0),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("files", "expected"), WITHOUT_LIST)
def test_a_distribution_without_a_list(files: dict[str, bytes], expected: tuple[str, str, int]) -> None:
    image = image_of([file(f"{DEBIAN}/{name}", data) for name, data in files.items()])
    (found,) = image.packages.libraries
    assert (found.name, found.version, found.bytes) == expected


def test_who_brought_a_distribution() -> None:
    info = f"{DEBIAN}/PyYAML-6.0.egg-info/PKG-INFO"
    image = image_of(
        [
            file(info, b"Name: PyYAML\nVersion: 6\n"),
            file("var/lib/dpkg/status", STATUS),
            file("var/lib/dpkg/info/python3-yaml.list", f"/{info}\n".encode()),
        ]
    )
    assert image.packages.libraries[0].provided_by == "python3-yaml"


MONOLOG = {"name": "monolog/monolog", "version": "3.5.0", "install-path": "../monolog/monolog"}
PHPUNIT = {"name": "phpunit/phpunit", "version": "10.0", "install-path": "../phpunit/phpunit"}
PHP = [
    file("app/vendor/monolog/monolog/src/Logger.php", b"1" * 100),
    file("app/vendor/phpunit/phpunit/phpunit", b"2" * 30),
    file("app/vendor/autoload.php", b"3"),
]


def composer(document: object) -> list[tuple[str, str, str, int, bool | None]]:
    image = image_of([*PHP, file("app/vendor/composer/installed.json", json.dumps(document).encode())])
    return [(each.name, each.version, each.path, each.bytes, each.dev) for each in image.packages.libraries]


def test_composer_2_says_what_is_for_development() -> None:
    meta = {"name": "a/meta", "version": "1", "install-path": None}
    assert composer({"packages": [MONOLOG, PHPUNIT, meta], "dev": True, "dev-package-names": ["phpunit/phpunit"]}) == [
        ("a/meta", "1", "app/vendor/a/meta", 0, False),
        ("monolog/monolog", "3.5.0", "app/vendor/monolog/monolog", 100, False),
        ("phpunit/phpunit", "10.0", "app/vendor/phpunit/phpunit", 30, True),
    ]


def test_composer_1_wrote_a_list() -> None:
    assert composer([{"name": "monolog/monolog", "version": "1.0"}, "odd", {"version": "1"}]) == [
        ("monolog/monolog", "1.0", "app/vendor/monolog/monolog", 100, None)
    ]


@pytest.mark.parametrize("document", [None, 7, {"packages": {"a": 1}}, {}])
def test_composer_in_disorder_lists_nothing(document: object) -> None:
    assert composer(document) == []
