"""What a build reads and writes: the commands behind `scripts.build`, and the folders their configuration names.

An output is listed only where a flag, a configuration file or the tool's own default says so; a build that
is not understood has no outputs here, and whoever needs them must then keep the whole folder.
"""

import posixpath
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from imageopt.lazy_pattern import lazy_pattern
from imageopt.project.files import exists, read_text, top_names
from imageopt.project.model import Manifest
from imageopt.project.scripts import reachable_commands
from imageopt.project.tsconfig import TsConfig, normal, read_tsconfig

_DEFAULT_OUTPUTS = {
    "next": ".next",
    "nuxt": ".output",
    "nuxi": ".output",
    "vite": "dist",
    "astro": "dist",
    "nest": "dist",
    "tsup": "dist",
    "parcel": "dist",
    "webpack": "dist",
    "react-scripts": "build",
    "svelte-kit": ".svelte-kit",
    "gatsby": "public",
    "remix": "build",
    "unbuild": "dist",
    "tsdown": "dist",
}
_FOLDER_FLAG = lazy_pattern(r"--(?:outdir|outDir|out-dir|dist-dir|output-path|dir)(?:=(.+))?$")
_FILE_FLAG = lazy_pattern(r"--(?:outfile|out-file|file)(?:=(.+))?$")
_CONFIG = lazy_pattern(
    r"(tsconfig.*\.json|(vite|webpack|rollup|babel|next|nuxt|astro|svelte|tailwind|postcss|tsup|esbuild|gatsby|remix|vue)"
    r"[\w.-]*\.config\.[cm]?[jt]s|(vite|webpack|rollup|babel|next|nuxt|astro|svelte|tailwind|postcss|tsup|gatsby)\.config\.\w+"
    r"|\.babelrc.*|\.swcrc|nest-cli\.json|angular\.json|nx\.json|turbo\.json|gulpfile\.[cm]?js|Gruntfile\.js"
    r"|\.browserslistrc|\.env\.production|index\.html|components\.json)"
)
_SOURCE_FOLDERS = (
    "src",
    "app",
    "pages",
    "lib",
    "server",
    "client",
    "public",
    "static",
    "assets",
    "components",
    "prisma",
)
_CONFIGURED_OUTPUT = {
    "vite": lazy_pattern(r"outDir\s*:\s*['\"]([^'\"]+)['\"]"),
    "webpack": lazy_pattern(r"path\s*:\s*path\.(?:resolve|join)\(\s*__dirname\s*,\s*['\"]([^'\"]+)['\"]\s*\)"),
    "rollup": lazy_pattern(r"(?:dir|file)\s*:\s*['\"]([^'\"]+)['\"]"),
    "next": lazy_pattern(r"distDir\s*:\s*['\"]([^'\"]+)['\"]"),
}


class Build(Struct, frozen=True):
    """The build as far as it is understood. `typescript` are the tsconfigs it compiles by, one for each package."""

    script: str | None
    outputs: tuple[str, ...]
    inputs: tuple[str, ...]
    typescript: tuple[TsConfig, ...]


def read_build(root: Path, manifest: Manifest | None, folder: str = "") -> Build:
    """The build of `scripts.build` of the package in `folder`.

    Outputs and inputs are relative to the root, sorted, outputs without those inside another.
    """
    script = manifest.scripts.get("build") if manifest else None
    if manifest is None or script is None:
        return Build(None, (), (), ())
    commands = tuple(reachable_commands("npm run build", manifest.scripts))
    typescript = next((config for words in commands if (config := _typescript(root, folder, words))), None)
    own = root / folder
    outputs = {_below(folder, path) for words in commands for path in _outputs(own, words)} - {None}
    if typescript and typescript.out_dir:
        outputs.add(typescript.out_dir)
    named = {path for path in outputs if path is not None and path not in (".", folder)}
    kept = tuple(sorted(path for path in named if not any(path.startswith(f"{other}/") for other in named)))
    read = {*_inputs(own), *(word for words in commands for word in _files_named(own, words))}
    inputs = {posixpath.join(folder, path) for path in read} | {*_compiler_inputs(root, typescript)}
    return Build(script, kept, tuple(sorted(inputs - set(kept))), (typescript,) if typescript else ())


def joined(builds: tuple[Build, ...]) -> Build:
    """The builds of several packages as one; its script is the last one's."""
    return Build(
        builds[-1].script if builds else None,
        tuple(sorted({path for build in builds for path in build.outputs})),
        tuple(sorted({path for build in builds for path in build.inputs})),
        tuple(config for build in builds for config in build.typescript),
    )


def _below(folder: str, path: str) -> str | None:
    """A path that is relative to the folder, relative to the project; None if it leaves the folder."""
    own = normal(path)
    return None if own is None else posixpath.normpath(posixpath.join(folder, own))


def _typescript(root: Path, folder: str, words: tuple[str, ...]) -> TsConfig | None:
    program = _program(words)
    if program not in ("tsc", "tspc", "nest", "tsc-alias"):
        return None
    build_config = posixpath.join(folder, "tsconfig.build.json")
    path = "tsconfig.build.json" if program == "nest" and exists(root, build_config) else "tsconfig.json"
    for flag in ("-p", "--project", "-b", "--build"):
        if flag in words[:-1] and not words[words.index(flag) + 1].startswith("-"):
            path = words[words.index(flag) + 1]
    config = read_tsconfig(root, posixpath.join(folder, path))
    given = _flag(words, _FOLDER_FLAG)
    if given and config:
        return replace(config, out_dir=_below(folder, given))
    return config


def _outputs(root: Path, words: tuple[str, ...]) -> Iterator[str]:
    program = _program(words)
    if program in ("cp", "copyfiles", "cpx", "cpy", "ncp", "mkdir", "shx") and len(words) > 2:
        target = words[-1]
        if "/" in target.strip("./") or not exists(root, target):
            yield target.strip("./").partition("/")[0] if not target.startswith("/") else "."
        return
    folder, file = _flag(words, _FOLDER_FLAG), _flag(words, _FILE_FLAG)
    if folder:
        yield folder
    elif file:
        yield file.rpartition("/")[0] or file
    elif program in ("babel", "swc") and "-d" in words[:-1]:
        yield words[words.index("-d") + 1]
    elif program in _DEFAULT_OUTPUTS or program in _CONFIGURED_OUTPUT:
        configured = _configured(root, program)
        if configured or program in _DEFAULT_OUTPUTS:
            yield configured or _DEFAULT_OUTPUTS[program]


def _configured(root: Path, program: str) -> str | None:
    pattern = _CONFIGURED_OUTPUT.get(program)
    for name in top_names(root) if pattern else ():
        if pattern and name.startswith(f"{program}.config."):
            match = pattern.search(read_text(root, name) or "")
            if match:
                path = match[1]
                return path.rpartition("/")[0] if "." in path.rpartition("/")[2] and "/" in path else path
    return None


def _inputs(root: Path) -> Iterator[str]:
    yield from (name for name in top_names(root) if _CONFIG.fullmatch(name))
    yield from (folder for folder in _SOURCE_FOLDERS if exists(root, folder))


def _compiler_inputs(root: Path, typescript: TsConfig | None) -> Iterator[str]:
    if typescript:
        yield from typescript.files
        yield from (folder for folder in typescript.include if exists(root, folder))
        if typescript.root_dir and exists(root, typescript.root_dir):
            yield typescript.root_dir


def _files_named(root: Path, words: tuple[str, ...]) -> Iterator[str]:
    for word in words[1:]:
        path = normal(word.partition("=")[2] or word)
        if path and path != "." and not word.startswith("/") and exists(root, path):
            yield path


def _flag(words: tuple[str, ...], pattern: re.Pattern[str]) -> str | None:
    for index, word in enumerate(words):
        match = pattern.match(word)
        if match:
            return match[1] or (words[index + 1] if index + 1 < len(words) else None)
    return None


def _program(words: tuple[str, ...]) -> str:
    rest = words[1:] if words[0] in ("npx", "pnpx", "bunx") else words
    rest = tuple(word for word in rest if not word.startswith("--yes") and word != "-y")
    return rest[0].rpartition("/")[2] if rest else ""
