"""Writes docs/rewriting.md from rewriting.toml and rewriting.json: `python -m docs.rewriting [--measure [NAME...]]`.

With `--measure` the sample projects of those names, or all, are built before and after and compared, and
rewriting.json is written anew for them; a sample that is not named keeps the figures and the date it has.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.checkout import commit
from imageopt.rewrite.asked.registry import ASKED
from imageopt.rewrite.worth import ORDER, safety_of

HERE = Path(__file__).parent
ROOT = HERE.parent
SAMPLES = ROOT / "sample_projects"
GENERATED_FIGURES = HERE / "generated.json"
PAGE, TEXTS, FIGURES = (HERE / f"rewriting.{suffix}" for suffix in ("md", "toml", "json"))
HEAD = """# Rewriting

`imageopt rewrite` changes a Dockerfile in one of two ways, and says which lines it leaves alone and why.

- **Restructure**: a Dockerfile of one stage in which every instruction is understood becomes one of several stages,
  from a template.
- **Surgical**: a Dockerfile that has stages of its own, or cannot be taken apart, keeps its stages, names, comments and
  layout; single lines are edited.

Neither is proposed unless one of its changes saves bytes or closes a finding about security. `--verify` builds, runs
and compares both versions; what that has not shown is not called proven.

## The smallest image that works

`imageopt rewrite` lists every rewrite that could be made, from the least change to the greatest, with what each is
predicted to save, or why it cannot be offered: edits where they stand; stages on the same base image; the slim image;
alpine; Node alone on the Linux below its image; what the framework's build leaves, and that without package managers;
files that the project's own `@vercel/nft` traces. `--best` builds the Dockerfile as it stands once, then one candidate
after the other with the same build cache, runs and compares each, and keeps the smallest that verifies. One that is
predicted to save less than 1 MB or 1 % more than the best so far is not built. Rebuilds and cold builds are not timed:
`imageopt verify` does that.

A Node project without a Dockerfile gets its first one: the plainest that its files allow is drafted and rewritten as
any other. What they do not tell (start, port, package manager) is asked for. `verify` has nothing to compare it with,
judges it alone and never calls it verified.

## A team's own templates

`.imageopt/templates/NAME.Dockerfile.j2`, beside the project or above it up to the repository's root, takes the place of
the built-in template of that name (`dockerfile_templates/` holds them: {templates}).
It may extend the built-in one, which it reaches as `imageopt/NAME.Dockerfile.j2`, by its blocks: `final` is the last
stage of each, `build` the first of those for Node and Python, `command` how a Node service starts:

```jinja
{{% extends "imageopt/node-service.Dockerfile.j2" %}}
{{% block command %}}
LABEL org.opencontainers.image.vendor="our team"
{{{{ super() -}}}}
{{% endblock %}}
```

Templates run in Jinja's immutable sandbox. One that is wrong ends the command with exit code 2, its file and its line.

## Transformations

`safe` cannot change behaviour; `verify` must be proven before it is written to a main branch; `propose only` is made
when it is asked for with `--with NAME`, and at no other time, for it needs something that no file decides. `imageopt
rewrite` lists what could be asked for, and `--format json` says why the rest could not. `--with` goes with `--verify`,
`--apply` and `--patch`, and with `imageopt verify`. The numbers are those of the list that the rules and the commit
messages use.
"""
MEASURED = """
## Measured on the sample projects

`python -m docs.rewriting --measure` builds every sample before and after, runs both and writes this table. Sizes are
unpacked bytes; "own" leaves the base image out. "Predicted" is what the layers of the image as it is tell of the
saving; of the rewritten image it knows only the base.
"""

GENERATED = """
## Never seen before

`make proof` has each generator make a project, with the Dockerfile that somebody writes after one tutorial, and runs
`imageopt verify` on it with no configuration. The figures are those of commit {commit}, on {node}.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", nargs="*", metavar="NAME", default=None)
    wanted = parser.parse_args().measure
    if wanted is not None:
        figures = json.loads(FIGURES.read_text("utf-8")) if FIGURES.exists() else {}
        made_from = commit("imageopt", "rules", "dockerfile_templates", "sample_projects")
        for name in wanted or samples():
            figures[name] = {"date": datetime.now(UTC).date().isoformat(), "commit": made_from} | measured(name)
            FIGURES.write_text(json.dumps(dict(sorted(figures.items())), indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


def samples() -> list[str]:
    """The projects that can be rewritten, by name."""
    return sorted(path.parent.name for path in SAMPLES.glob("*/Dockerfile"))


def measured(name: str) -> dict[str, Any]:
    """What the rewrite of a sample saves, as `imageopt verify` finds it."""
    from imageopt.api import find_project, rewrite
    from imageopt.build.options import BuildOptions
    from imageopt.cli.options import Talk, configuration
    from imageopt.cli.progress import make_progress
    from imageopt.cli.proof import verification

    options, talk = BuildOptions(), Talk((), "never", make_progress(quiet=False, verbose=False))
    with tempfile.TemporaryDirectory() as folder:
        project = Path(shutil.copytree(SAMPLES / name, Path(folder) / name))
        if (project / "make_leftovers.py").exists():
            subprocess.run([sys.executable, SAMPLES / name / "make_leftovers.py", project], check=True)
        config = configuration(str(project), None)
        lockless = not any(project.glob("*lock*"))
        _, proposed = rewrite(str(project), config=config, lockfile=lockless)
        found: dict[str, Any] = {
            "outcome": proposed.outcome,
            "way": "restructure" if _restructures(proposed) else "surgical",
            "transforms": {done.name: None for done in proposed.transformed},
            "reasons": [f"{left.name}: {left.reason}" for left in proposed.refusals] or list(proposed.notes),
        }
        if proposed.outcome != "proposed":
            return found
        document = verification(
            find_project(str(project), options), options, config, talk, rewrite=proposed, skip_rebuild=True
        )
    compared, prediction = document["comparison"] or {}, document["prediction"]
    return found | {
        "transforms": {done["name"]: done["predicted_bytes"] for done in prediction["transforms"]},
        "verdict": document["verdict"],
        "why": document["reasons"],
        "predicted_bytes": prediction["predicted_bytes"],
        **{name: compared.get(name) for name in ("unpacked_bytes", "own_unpacked_bytes")},
    }


def _restructures(proposed: Any) -> bool:
    return any(done.name in ("multi-stage", "static-site") for done in proposed.transformed)


def page() -> str:
    """The page's text."""
    texts = tomllib.loads(TEXTS.read_text("utf-8"))
    figures = json.loads(FIGURES.read_text("utf-8"))
    templates = sorted(path.name.split(".")[0] for path in (ROOT / "dockerfile_templates").glob("*.Dockerfile.j2"))
    lines = [HEAD.format(templates=", ".join(f"`{name}`" for name in templates)).rstrip("\n"), ""]
    lines += _transformations(texts["transformation"], figures)
    lines += ["", "Not made, and what stands in for it:", ""]
    lines += [f"- {item['number']}: {item['what']}" for item in texts["proposed"]]
    lines += [MEASURED.rstrip("\n"), "", *_table(figures), *_generated()]
    return "\n".join(lines) + "\n"


def _transformations(texts: list[dict[str, str]], figures: dict[str, Any]) -> Iterator[str]:
    by_name = {item["name"]: item for item in texts}
    yield "| name | number | tier | what | preconditions | not proven here | made on |"
    yield "|---|---|---|---|---|---|---|"
    for name in (*ORDER, *(asked.name for asked in ASKED)):
        item = by_name[name]
        made = [sample for sample, found in figures.items() if name in found["transforms"]]
        cells = (
            item["number"],
            safety_of(name) if name in ORDER else "propose only",
            item["what"],
            item["needs"],
            item.get("unproven", ""),
            ", ".join(made),
        )
        yield f"| `{name}` | " + " | ".join(cells) + " |"


def _generated() -> Iterator[str]:
    found = json.loads(GENERATED_FIGURES.read_text("utf-8"))
    yield GENERATED.format(commit=found["commit"][:7], node=found["node"])
    yield "| generator | version | verdict | before | after | requests | bases |"
    yield "|---|---|---|---:|---:|---:|---|"
    for app in found["apps"].values():
        sizes = app["unpacked_bytes"]
        bases = ", ".join(f"`{base}`" for base in app["bases"])
        cells = (app["version"], app["verdict"], _mb(sizes["before"]), _mb(sizes["after"]), app["requests"], bases)
        yield f"| `{app['generator']}` | " + " | ".join(map(str, cells)) + " |"


def _made(found: dict[str, Any]) -> str:
    return f"{found['date']} {found['commit']}"


def _table(figures: dict[str, Any]) -> Iterator[str]:
    yield "| sample | way | verdict | before | after | saved | own saved | predicted | measured | error | made |"
    yield "|---|---|---|---:|---:|---:|---:|---:|---:|---:|---|"
    saved: list[float] = []
    errors: list[float] = []
    left: list[str] = []
    for name, found in figures.items():
        sizes, own = found.get("unpacked_bytes"), found.get("own_unpacked_bytes") or {}
        if not sizes:
            yield f"| {name} | | {found['outcome']} | | | | | | | | {_made(found)} |"
            left.append(f"- {name}: {'; '.join(found['reasons']) or 'there is nothing worth doing'}")
            continue
        predicted, error = found["predicted_bytes"], None
        if predicted is not None and sizes["saved"]:
            error = 100 * (predicted - sizes["saved"]) / sizes["saved"]
            errors.append(abs(error))
        if found["verdict"] != "baseline-broken":
            saved.append(sizes["percent"])
        cells = (
            found["way"], found["verdict"], _mb(sizes["before"]), _mb(sizes["after"]), _percent(sizes["percent"]),
            _percent(own.get("percent")), _mb(predicted), _mb(sizes["saved"]), _percent(error, sign="+"), _made(found),
        )  # fmt: skip
        yield f"| {name} | " + " | ".join(cells) + " |"
    if saved:
        yield ""
        yield f"Median reduction: {median(saved):.1f} %; least: {min(saved):.1f} %."
    if errors:
        yield f"Median error of the prediction: {median(errors):.1f} %."
    if left:
        yield from ("", "Left as they are:", "", *left)


def _mb(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:,.1f} MB"


def _percent(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.1f} %"


if __name__ == "__main__":
    main()
