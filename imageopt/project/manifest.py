"""package.json -> Manifest. Anything of the wrong type in it is read as if it were not there."""

from collections.abc import Iterator
from pathlib import Path

from imageopt.project.faults import json_fault
from imageopt.project.files import exists, read_text
from imageopt.project.jsonc import Json, list_of, object_of, parse_object, text_of, texts_of
from imageopt.project.model import Manifest

LIFECYCLE = ("preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare")
"""The scripts of the project itself that `npm ci` runs, in its order."""

_DEEPEST = 8
_FRAMEWORKS = {  # the first that is a dependency; what builds on another comes before it
    "next": "next",
    "nuxt": "nuxt",
    "@sveltejs/kit": "sveltekit",
    "gatsby": "gatsby",
    "astro": "astro",
    "@remix-run/node": "remix",
    "@adonisjs/core": "adonis",
    "@nestjs/core": "nest",
    "@angular/core": "angular",
    "fastify": "fastify",
    "koa": "koa",
    "hono": "hono",
    "@hapi/hapi": "hapi",
    "express": "express",
}


def read_manifest(root: Path) -> tuple[Manifest | None, tuple[str, ...]]:
    """The manifest, or None where there is none; and what was wrong with it, one line each."""
    text = read_text(root, "package.json")
    if text is None:
        return None, ("package.json cannot be read",) if exists(root, "package.json") else ()
    data = parse_object(text)
    if data is None:
        return None, (json_fault("package.json", text),)
    return manifest_of(data), ()


def manifest_of(data: Json) -> Manifest:
    """The manifest in the object that a package.json holds."""
    workspaces = data.get("workspaces")
    if isinstance(workspaces, dict):  # yarn's long form
        workspaces = workspaces.get("packages")
    return Manifest(
        name=text_of(data.get("name")),
        version=text_of(data.get("version")),
        type=text_of(data.get("type")) or "commonjs",
        main=text_of(data.get("main")),
        scripts=texts_of(data.get("scripts")),
        dependencies={**texts_of(data.get("optionalDependencies")), **texts_of(data.get("dependencies"))},
        dev_dependencies=texts_of(data.get("devDependencies")),
        engines_node=text_of(object_of(data.get("engines")).get("node")) or None,
        workspaces=list_of(workspaces),
        package_manager=text_of(data.get("packageManager")),
        exports=tuple(_exported(data.get("exports"), 0)),
    )


def _exported(value: object, depth: int) -> Iterator[str]:
    """The paths in `exports`, which nests conditions and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and depth < _DEEPEST:
        for item in value:
            yield from _exported(item, depth + 1)
    elif depth < _DEEPEST:
        for key, item in object_of(value).items():
            if key not in ("types", "./package.json"):
                yield from _exported(item, depth + 1)


def framework(manifest: Manifest) -> str | None:
    """The framework the service is built on, or None."""
    known = {**manifest.dependencies, **manifest.dev_dependencies}
    return next((name for package, name in _FRAMEWORKS.items() if package in known), None)


def lifecycle_scripts(manifest: Manifest) -> tuple[str, ...]:
    """`name: command` of each script that an install runs, in the order npm runs them."""
    return tuple(f"{name}: {manifest.scripts[name]}" for name in LIFECYCLE if name in manifest.scripts)
