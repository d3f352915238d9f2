"""Which file an image starts Node with."""

import json
from pathlib import Path

import pytest
from imagebuilder import file, symlink
from imageof import image_of
from msgspec.structs import replace

from imageopt.project.read import read_project
from imageopt.verify.code import entry_file

FILES = ("app/server.js", "app/dist/main.js", "app/bin/www", "srv/index.mjs", "app/lib/index.js")


@pytest.mark.parametrize(
    ("entrypoint", "cmd", "found"),
    [
        ((), ("node", "server.js"), "app/server.js"),
        ((), ("node", "server"), "app/server.js"),
        (("docker-entrypoint.sh",), ("node", "./dist/main.js"), "app/dist/main.js"),
        ((), ("/usr/local/bin/node", "--enable-source-maps", "-r", "dotenv/config", "bin/www"), "app/bin/www"),
        ((), ("/bin/sh", "-c", "exec node /srv/index.mjs --port 3000"), "srv/index.mjs"),
        ((), ("node", "lib"), "app/lib/index.js"),
        ((), ("node", "linked.js"), "app/server.js"),
        (("/nodejs/bin/node",), ("dist/main.js",), "app/dist/main.js"),
        ((), ("dist/main.js",), "app/dist/main.js"),  # of a distroless image
        ((), ("npm", "start"), "app/server.js"),  # as the manifest says
        ((), ("node", "gone.js"), None),
        ((), ("nginx", "-g", "daemon off;"), None),
        ((), ("node", "-e", "it's broken"), None),
        ((), (), None),
    ],
)
def test_the_file_that_node_starts(
    tmp_path: Path, entrypoint: tuple[str, ...], cmd: tuple[str, ...], found: str | None
) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "x", "scripts": {"start": "node server.js"}}))
    made = image_of([*(file(path) for path in FILES), symlink("app/linked.js", "server.js")])
    image = replace(made, config=replace(made.config, working_dir="/app", entrypoint=entrypoint, cmd=cmd))
    assert entry_file(image, read_project(tmp_path, dockerfile="Dockerfile")) == found
