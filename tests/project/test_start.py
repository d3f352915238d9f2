"""The start command: exec form only where it means exactly the same."""

import json

import pytest
from project.conftest import Write

from imageopt.dockerfile.parser import parse
from imageopt.project.manifest import read_manifest
from imageopt.project.model import StartCommand
from imageopt.project.start import entry_of, start_command


def started(project: Write, scripts: dict[str, str], dockerfile: str | None = None) -> StartCommand | None:
    root = project({"package.json": json.dumps({"scripts": scripts}), "server.js": ""})
    tree = parse(f"FROM node\n{dockerfile}\n".encode()) if dockerfile is not None else None
    return start_command(root, read_manifest(root)[0], tree, handles_sigterm=True)


@pytest.mark.parametrize(
    ("scripts", "dockerfile", "argv", "environment"),
    [
        ({"start": "node dist/a.js"}, None, ("node", "dist/a.js"), ()),
        ({}, None, ("node", "server.js"), ()),
        ({"start": "node a.js"}, 'CMD ["npm", "start"]', ("node", "a.js"), ()),
        ({"start": "node a.js"}, "CMD npm run --silent start", ("node", "a.js"), ()),
        ({"serve": "node b.js --port 1"}, 'CMD ["npm", "run", "serve"]', ("node", "b.js", "--port", "1"), ()),
        ({"start": "NODE_ENV=production node a.js"}, None, ("node", "a.js"), (("NODE_ENV", "production"),)),
        ({"start": "cross-env A='b c' node a.js"}, None, ("node", "a.js"), (("A", "b c"),)),
        ({"start": "exec node -r dotenv/config 'a b.js'"}, None, ("node", "-r", "dotenv/config", "a b.js"), ()),
        ({}, 'CMD ["npm", "start"]', ("node", "server.js"), ()),
        ({"start": "x"}, 'CMD ["node", "a.js", "$x && y"]', ("node", "a.js", "$x && y"), ()),
        ({"start": "x"}, 'ENTRYPOINT ["node"]\nCMD ["a.js"]', ("node", "a.js"), ()),
        ({"start": "x"}, 'ENTRYPOINT ["node", "a.js"]', ("node", "a.js"), ()),
    ],
)
def test_a_plain_node_command_has_an_exec_form(
    project: Write, scripts: dict[str, str], dockerfile: str | None, argv: tuple[str, ...], environment: object
) -> None:
    start = started(project, scripts, dockerfile)
    assert start is not None
    assert (start.argv, start.environment) == (argv, environment)


@pytest.mark.parametrize(
    ("scripts", "dockerfile", "reason"),
    [
        ({"start": "tsc && node a.js"}, None, "it needs a shell: it joins commands or expands variables"),
        ({"start": "node $MAIN"}, None, "it needs a shell: it joins commands or expands variables"),
        ({"start": 'node "$MAIN"'}, None, "it needs a shell: it joins commands or expands variables"),
        ({"start": "node 'a.js"}, None, "it needs a shell: it joins commands or expands variables"),
        ({"start": "ts-node src/a.ts"}, None, "it starts ts-node, which comes with the package ts-node"),
        ({"start": "./run.sh"}, None, "it starts run.sh"),
        ({"start": "node -r ts-node/register a.ts"}, None, "it loads ts-node/register into node"),
        ({"start": "node -e 1"}, None, "it names no file to run"),
        ({"start": "A=1"}, None, "it is empty"),
        ({"start": "node a.js", "prestart": "x"}, None, "prestart runs with start"),
        ({"start": "node a.js", "poststart": "x"}, 'CMD ["npm", "start"]', "poststart runs with start"),
        ({}, "CMD npm run absent", "package.json has no script absent"),
    ],
)
def test_anything_else_is_kept_and_the_reason_said(
    project: Write, scripts: dict[str, str], dockerfile: str | None, reason: str
) -> None:
    start = started(project, scripts, dockerfile)
    assert start is not None
    assert (start.argv, start.reason) == (None, reason)


def test_without_a_script_or_a_server_there_is_no_start(project: Write) -> None:
    root = project({"package.json": "{}"})
    assert start_command(root, read_manifest(root)[0], parse(b"FROM node\n"), handles_sigterm=False) is None


@pytest.mark.parametrize(
    ("argv", "entry"),
    [
        (("node", "./a.js"), "a.js"),
        (("node", "--import", "x", "--enable-source-maps", "b.mjs"), "b.mjs"),
        (("node",), None),
        (("node", "-p", "1"), None),
    ],
)
def test_the_entry_is_the_file_that_node_runs(argv: tuple[str, ...], entry: str | None) -> None:
    assert entry_of(argv) == entry
