"""How long a rewrite takes to plan: projects with lock files of 30 000 lines, and a workspace of a hundred packages.

    .venv/bin/python -m benchmarks.planning [--rounds N] [--profile INPUT]

The inputs are generated, the same each time. "Planning" is what `imageopt rewrite FOLDER` does in its process: the
folder is read, all rules are checked, the files are written anew, no image is there and nothing is built. "Process" is
that command from start to end, with the start of Python. The best of all rounds counts, of wall time and of CPU time.
"""

import argparse
import cProfile
import json
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from imageopt.api import rewrite

LINES = 30_000
MEMBERS = 100
GOALS = {"npm": 0.5, "pnpm": 0.5, "workspace": 2.0}
_SERVER = (
    "const { createServer } = require('node:http');\n"
    "const server = createServer((_request, response) => response.end('ok')).listen(3000);\n"
    "process.on('SIGTERM', () => server.close(() => process.exit(0)));\n"
)
_NAIVE = "FROM node:20\nWORKDIR /app\nCOPY . .\nRUN npm install\nRUN npm run build\n"


def npm() -> dict[str, str]:
    """A TypeScript service whose package-lock.json has `LINES` lines."""
    packages: dict[str, object] = {}
    for number in range(LINES // 12):
        packages[f"node_modules/package-{number}"] = {
            "version": f"1.{number % 10}.0",
            "integrity": "sha512-" + "x" * 86,
            "dev": number % 3 > 0,
            "license": "MIT",
            "dependencies": {f"package-{number + step}": "^1.0.0" for step in (1, 7) if number + step < LINES // 12},
            "engines": {"node": ">=12"},
        }
    own = {"package-0": "^1.0.0"}
    return {
        **_service({"dependencies": own}),
        "package-lock.json": _lock({"": {"name": "planned", "dependencies": own}, **packages}),
        "Dockerfile": f'{_NAIVE}CMD ["npm", "start"]\n',
    }


def pnpm() -> dict[str, str]:
    """The same with a pnpm-lock.yaml."""
    count = LINES // 10
    packages, snapshots = "", ""
    for number in range(count):
        key = f"package-{number}@1.0.0"
        packages += f"  {key}:\n    resolution: {{integrity: sha512-{'x' * 86}}}\n    engines: {{node: '>=12'}}\n\n"
        needs = [f"package-{number + step}" for step in (1, 7) if number + step < count]
        lines = "".join(f"      {name}: 1.0.0\n" for name in needs)
        snapshots += f"  {key}:\n    dependencies:\n{lines}\n" if needs else f"  {key}: {{}}\n\n"
    direct = "      package-0:\n        specifier: 1.0.0\n        version: 1.0.0\n"
    lock = (
        "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\n"
        f"importers:\n\n  .:\n    dependencies:\n{direct}\npackages:\n\n{packages}snapshots:\n\n{snapshots}"
    )
    return {
        **_service({"dependencies": {"package-0": "1.0.0"}, "packageManager": "pnpm@10.12.1"}),
        "pnpm-lock.yaml": lock,
        "Dockerfile": f'{_NAIVE.replace("npm", "pnpm")}CMD ["pnpm", "start"]\n',
    }


def workspace() -> dict[str, str]:
    """`MEMBERS` packages with ten sources each, each of which needs the one before it."""
    files: dict[str, str] = {}
    locked: dict[str, object] = {"": {"name": "planned", "workspaces": ["packages/*"]}}
    for number in range(MEMBERS):
        folder, name = f"packages/p{number}", f"@planned/p{number}"
        needs = {f"@planned/p{number - 1}": "*", "ms": "2.1.3"} if number else {"ms": "2.1.3"}
        manifest = {
            "name": name, "version": "1.0.0", "main": "dist/index.js", "dependencies": needs,
            "scripts": {"build": "tsc", **({"start": "node dist/index.js"} if number == MEMBERS - 1 else {})},
        }  # fmt: skip
        files[f"{folder}/package.json"] = json.dumps(manifest, indent=2)
        files[f"{folder}/tsconfig.json"] = (
            '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}, "include": ["src"]}'
        )
        files |= {f"{folder}/src/part{part}.ts": f"export const part{part} = '{name}';\n" * 20 for part in range(10)}
        files[f"{folder}/src/index.ts"] = _SERVER
        locked |= {folder: manifest, f"node_modules/{name}": {"resolved": folder, "link": True}}
    locked["node_modules/ms"] = {"version": "2.1.3"}
    root = {"name": "planned", "workspaces": ["packages/*"], "scripts": {"build": "npm run build --workspaces"}}
    return {
        **files,
        "package.json": json.dumps(root),
        "package-lock.json": _lock(locked),
        "Dockerfile": f'{_NAIVE}CMD ["npm", "start", "-w", "packages/p{MEMBERS - 1}"]\n',
    }


INPUTS = {"npm": npm, "pnpm": pnpm, "workspace": workspace}


def _service(more: Mapping[str, object]) -> dict[str, str]:
    manifest = {"name": "planned", "scripts": {"build": "tsc", "start": "node dist/server.js"}, **more}
    config = '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}, "include": ["src"]}'
    return {"package.json": json.dumps(manifest, indent=2), "tsconfig.json": config, "src/server.ts": _SERVER}


def _lock(packages: Mapping[str, object]) -> str:
    return json.dumps({"name": "planned", "lockfileVersion": 3, "requires": True, "packages": packages}, indent=2)


def write(files: Mapping[str, str], folder: Path) -> Path:
    """The files, written below the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def planned(folder: Path) -> tuple[float, float]:
    """Wall and CPU seconds that a rewrite of the folder takes to plan; it must come out as a proposal."""
    started, worked = time.perf_counter(), time.process_time()
    _, found = rewrite(str(folder))
    taken = time.perf_counter() - started, time.process_time() - worked
    if found.outcome != "proposed" or not any(done.name == "multi-stage" for done in found.transformed):
        sys.exit(f"{folder}: {found.outcome}: {found.refusals}")
    return taken


def process(folder: Path) -> float:
    """Seconds from the start to the end of `imageopt rewrite FOLDER`."""
    command = [sys.executable, "-m", "imageopt", "rewrite", str(folder), "--quiet"]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--profile", choices=sorted(INPUTS), help="where the time of this input's planning goes")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folders = {name: write(files(), Path(place) / name) for name, files in INPUTS.items()}
        if given.profile:
            planned(folders[given.profile])  # what is imported late is imported now
            profile = cProfile.Profile()
            profile.runcall(planned, folders[given.profile])
            pstats.Stats(profile).sort_stats("cumulative").print_stats(45)
            return
        times: dict[str, list[tuple[float, float, float]]] = {name: [] for name in folders}
        for _ in range(given.rounds):
            for name, folder in folders.items():
                times[name].append((*planned(folder), process(folder)))
        print("| project | lines of the lock file | planning, s | goal, s | of it CPU, s | process, s |")
        print("|---|---|---|---|---|---|")
        for name, folder in folders.items():
            lock = next(folder.glob("*lock*"))
            lines = lock.read_text().count("\n") + 1
            wall, cpu, whole = (min(column) for column in zip(*times[name], strict=True))
            print(f"| {name} | {lines} | {wall:.2f} | {GOALS[name]} | {cpu:.2f} | {whole:.2f} |")


if __name__ == "__main__":
    main()
