"""Copies this project to a work folder and adds what a used checkout holds: history, logs, dumps, coverage.

`python make_leftovers.py FOLDER` writes only below FOLDER. Every file has a seed of its own, so the same bytes come
out each time, in any order; what exists is kept. The history is a real one: `git log` and `git checkout` work in it.
"""

import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

PROJECT = Path(__file__).resolve().parent
NOT_COPIED = {"README.md", Path(__file__).name, "node_modules", "dist", ".git", ".imageopt"}
START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
AGENTS = ("amber", "basil", "cedar", "dill")
PROJECTS = ("agent-brain", "agent-chat", "agent-ops", "agent-router", "agent-tracer", "agentic-flows", "llm-platform")
MB = 10**6
Maker = Callable[[random.Random], Iterator[str]]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: make_leftovers.py FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[0]).resolve()
    if folder == PROJECT or PROJECT in folder.parents:
        print(f"{folder} is the project itself: name a folder outside it", file=sys.stderr)
        return 2
    copy_project(folder)
    make_history(folder)
    for name, make in leftovers():
        write_once(folder / name, name, make)
    return 0


def copy_project(folder: Path) -> None:
    def ignored(path: str, names: list[str]) -> set[str]:
        return NOT_COPIED.intersection(names) if Path(path) == PROJECT else set()

    shutil.copytree(PROJECT, folder, ignore=ignored, dirs_exist_ok=True)


def leftovers() -> Iterator[tuple[str, Maker]]:
    """Names below the project, and what makes the text of each from its random numbers."""
    for day in range(10):
        yield f"logs/app-{START + timedelta(days=day):%Y-%m-%d}.log", partial(log_lines, day=day, size=2 * MB)
    yield "db/dumps/builds-2026-01-11.sql", partial(dump_lines, size=14 * MB)
    yield "db/dumps/builds-2026-01-18.sql", partial(dump_lines, size=18 * MB)
    for number in range(12):
        yield f"tests/fixtures/registry-{number:02}.json", partial(recording, size=1_500_000)
    sources = sorted(path.relative_to(PROJECT).as_posix() for path in (PROJECT / "src").rglob("*.ts"))
    yield "coverage/lcov.info", partial(lcov_lines, sources=sources)
    for name in (*sources, *(f"vendor/chunk-{number:03}.js" for number in range(60))):
        yield f"coverage/lcov-report/{name}.html", partial(coverage_page, name=name)
    yield "Heap.20260114.093122.211.0.001.heapsnapshot", partial(heap_snapshot, size=12 * MB)
    yield ".env", env_lines


def write_once(path: Path, seed: str, make: Maker) -> None:
    """Writes the whole file or, if it is there already, nothing."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(make(random.Random(seed)))
    part.rename(path)


def up_to(size: int, lines: Iterator[str]) -> Iterator[str]:
    """Lines until `size` characters are reached."""
    written = 0
    for line in lines:
        if written >= size:
            return
        written += len(line)
        yield line


def log_lines(dice: random.Random, day: int, size: int) -> Iterator[str]:
    def lines() -> Iterator[str]:
        moment = int((START + timedelta(days=day)).timestamp() * 1000)
        while True:
            moment += dice.randrange(1, 9000)
            path = dice.choice(("/health", "/builds", "/agents/summary", f"/agents/{dice.choice(AGENTS)}"))
            yield (
                f'{{"level":30,"time":{moment},"pid":{dice.randrange(20, 60)},"name":"agent-buildkit",'
                f'"req":{{"id":"{dice.getrandbits(64):016x}","method":"GET","url":"{path}",'
                f'"remoteAddress":"10.12.{dice.randrange(256)}.{dice.randrange(1, 255)}"}},'
                f'"responseTime":{dice.randrange(1, 900)},"msg":"request completed"}}\n'
            )

    return up_to(size, lines())


def dump_lines(dice: random.Random, size: int) -> Iterator[str]:
    yield "-- PostgreSQL database dump\n\n"
    yield "COPY public.builds (id, project, revision, agent, started, seconds, log) FROM stdin;\n"

    def rows() -> Iterator[str]:
        moment = START - timedelta(days=90)
        while True:
            moment += timedelta(seconds=dice.randrange(5, 400))
            yield (
                f"{dice.getrandbits(128):032x}\t{dice.choice(PROJECTS)}\t{dice.getrandbits(160):040x}\t"
                f"{dice.choice(AGENTS)}\t{moment:%Y-%m-%d %H:%M:%S+00}\t{dice.randrange(20, 1800)}\t"
                f"step 1/4 install: {dice.randrange(400, 900)} packages in {dice.randrange(8, 70)} s\\n"
                f"step 2/4 build: {dice.randrange(40, 400)} modules\\nstep 3/4 test: {dice.randrange(20, 700)} passed\n"
            )

    yield from up_to(size, rows())
    yield "\\.\n"


def recording(dice: random.Random, size: int) -> Iterator[str]:
    """What a registry answered once, kept for the tests."""
    yield "[\n"

    def exchanges() -> Iterator[str]:
        while True:
            digest = f"sha256:{dice.getrandbits(256):064x}"
            headers = {"docker-content-digest": digest, "etag": f'"{dice.getrandbits(64):016x}"'}
            layers = [
                {"digest": f"sha256:{dice.getrandbits(256):064x}", "size": dice.randrange(10**4, 10**8)}
                for _ in range(8)
            ]
            url = f"/v2/{dice.choice(PROJECTS)}/manifests/{digest}"
            yield json.dumps({"url": url, "status": 200, "headers": headers, "body": {"layers": layers}}) + ",\n"

    yield from up_to(size, exchanges())
    yield '{"url": "/v2/", "status": 200, "headers": {}, "body": {}}\n]\n'


def lcov_lines(dice: random.Random, sources: list[str]) -> Iterator[str]:
    for name in sources:
        count = len((PROJECT / name).read_text(encoding="utf-8").splitlines())
        yield f"TN:\nSF:{name}\n"
        yield from (f"DA:{line},{dice.randrange(40)}\n" for line in range(1, count + 1))
        yield f"LF:{count}\nLH:{count}\nend_of_record\n"


def coverage_page(dice: random.Random, name: str) -> Iterator[str]:
    """A page as the HTML reporter writes it; the chunks are what was instrumented by mistake."""
    source = PROJECT / name
    if source.is_file():
        lines = source.read_text(encoding="utf-8").splitlines()
    else:
        lines = [
            f"  t[{n}] = r({dice.getrandbits(32)}, function (e) {{ return e.v{dice.randrange(999)} }});"
            for n in range(1400)
        ]
    yield f"<!doctype html>\n<html lang='en'><head><title>Code coverage report for {name}</title></head>\n"
    yield "<body><table class='coverage'>\n"
    for number, line in enumerate(lines, 1):
        text = line.replace("&", "&amp;").replace("<", "&lt;")
        yield f"<tr><td class='line-count'><a name='L{number}' href='#L{number}'>{number}</a></td>"
        yield f"<td class='line-coverage'><span class='cline-any cline-yes'>{dice.randrange(1, 90)}x</span></td>"
        yield f"<td class='text'><pre class='prettyprint lang-js'>{text}</pre></td></tr>\n"
    yield "</table></body></html>\n"


def heap_snapshot(dice: random.Random, size: int) -> Iterator[str]:
    fields = (
        '"node_fields":["type","name","id","self_size","edge_count"],"edge_fields":["type","name_or_index","to_node"]'
    )
    yield f'{{"snapshot":{{"meta":{{{fields}}}}},\n"nodes":[0,0,1,0,0\n'

    def nodes() -> Iterator[str]:
        number = 1
        while True:
            number += 2
            kind, name, size_of_it, edges = dice.randrange(14), dice.randrange(40000), dice.randrange(16, 4096), 0
            yield f",{kind},{name},{number},{size_of_it},{edges}\n"

    yield from up_to(size, nodes())
    yield '],\n"edges":[],"strings":["<root>"]}\n'


def env_lines(dice: random.Random) -> Iterator[str]:
    """Looks like a secret to a scanner; it opens nothing."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    yield "PORT=3000\nLOG_LEVEL=debug\n"
    yield "GITHUB_TOKEN=" + "ghp_" + "".join(dice.choices(letters, k=36)) + "\n"


def make_history(folder: Path) -> None:
    """A repository whose past is heavier than its present: a model was committed twice, then moved elsewhere."""
    if (folder / ".git").exists():
        return
    part = folder / ".git.part"
    shutil.rmtree(part, ignore_errors=True)
    settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | settings

    def git(*arguments: str, data: bytes | None = None) -> None:
        subprocess.run(("git", f"--git-dir={part}", *arguments), input=data, env=environment, check=True, timeout=120)

    git("init", "--quiet", "--bare", "--template=", "--initial-branch=main")
    git("fast-import", "--quiet", data=b"".join(history()))
    git("config", "core.bare", "false")
    git("read-tree", "main")
    part.rename(folder / ".git")


def history() -> Iterator[bytes]:
    """The commits, oldest first, as `git fast-import` reads them."""
    changes: list[tuple[str, list[tuple[str, bytes | None]]]] = []
    changes += [(f"Add {path.name}", [(path.relative_to(PROJECT).as_posix(), path.read_bytes())]) for path in tracked()]
    model = "models/scheduler.onnx"
    changes.insert(6, ("Add the scheduling model", [(model, random.Random("model 1").randbytes(11 * MB))]))
    changes.insert(12, ("Train the scheduling model again", [(model, random.Random("model 2").randbytes(13 * MB))]))
    changes.insert(18, ("Fetch the scheduling model at start-up", [(model, None)]))
    for number, (message, files) in enumerate(changes):
        moment = int((START - timedelta(days=len(changes) - number)).timestamp())
        yield f"commit refs/heads/main\ncommitter Sam Porter <sam@example.org> {moment} +0000\n".encode()
        yield f"data {len(message)}\n{message}\n".encode()
        for name, content in files:
            if content is None:
                yield f"D {name}\n".encode()
            else:
                yield f"M 100644 inline {name}\ndata {len(content)}\n".encode() + content + b"\n"


def tracked() -> list[Path]:
    """The files of the project itself, in the order in which they joined it."""
    folders = ("src", "public", "views", "config", "tests", "db", "docs", "data")
    files = [path for path in PROJECT.iterdir() if path.is_file() and path.name not in NOT_COPIED]
    files += [path for name in folders for path in (PROJECT / name).rglob("*") if path.is_file()]
    return sorted(files)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
