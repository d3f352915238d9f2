"""What the tests of Node's rules ask with: one rule's findings about a Dockerfile, an image, a small project."""

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.image.model import Image, SystemPackage
from imageopt.project.model import Project
from imageopt.project.read import read_project
from imageopt.rules.check import check
from imageopt.rules.load import load_rules
from imageopt.rules.model import Finding

RULES = {rule.name: rule for rule in load_rules()}
FROM = "FROM node:22-slim\n"
TWO = ("base", "RUN /bin/sh -c ./install.sh # buildkit")
INSTALL = f"{FROM}RUN ./install.sh\n"


def findings(rule: str, text: str, made: Image | None = None, project: Project | None = None) -> list[Finding]:
    return list(check(join(made, parse(text.encode()), project), [RULES[rule]], now=date(2026, 6, 1)))


def places(rule: str, text: str, project: Project | None = None) -> list[int]:
    return [found.location.line for found in findings(rule, text, project=project) if found.location is not None]


def system(name: str) -> SystemPackage:
    return SystemPackage("dpkg", name, "1", name, 0, 1, automatic=False, depends=(), recommends=())


def project_with(
    folder: Path,
    *,
    dependencies: dict[str, dict[str, bool]] | None = None,
    dev: dict[str, dict[str, bool]] | None = None,
    scripts: dict[str, str] | None = None,
    also_production: Sequence[str] = (),
) -> Project:
    """A project of npm's with a lock file that fits."""
    needs, tools = dependencies or {}, dev or {}
    named = {"dependencies": dict.fromkeys(needs, "1.0.0"), "devDependencies": dict.fromkeys(tools, "1.0.0")}
    packages: dict[str, object] = {"": {"name": "a", **named}}
    packages |= {f"node_modules/{name}": {"version": "1.0.0", **more} for name, more in needs.items()}
    for name in tools:
        packages[f"node_modules/{name}"] = {"version": "1.0.0", "dev": name not in also_production}
    (folder / "package.json").write_text(json.dumps({"name": "a", "scripts": scripts or {}, **named}))
    (folder / "package-lock.json").write_text(json.dumps({"name": "a", "lockfileVersion": 3, "packages": packages}))
    return read_project(folder)
