"""What of a PHP service would miss Node, Composer's development packages or a system tool while it runs.

Read from its sources and its start scripts; a doubt is a reason not to move that part, told with its place.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from imageopt.dockerfile.pairs import pairs
from imageopt.project.files import files_named, read_source, read_text, source_files, top_names
from imageopt.project.jsonc import object_of, read_object
from imageopt.project.model import Php, Project
from imageopt.project.scripts import reachable_commands
from imageopt.rewrite.php.survey import PhpSurvey
from imageopt.rewrite.system import programs_in

_SOURCES = (".php", ".phtml", ".inc")
_ASIDE = ("database", "node_modules", "stubs", "public/build")
_STARTS = re.compile(
    r"(?<![>:\w])(?:exec|shell_exec|passthru|proc_open|popen|system)\s*\(|\bnew\s+Process\s*\(|\bProcess::|Symfony\\+Component\\+Process"
)
_STRING = re.compile(r"'((?:[^'\\\n]|\\.){1,400})'|\"((?:[^\"\\\n]|\\.){1,400})\"|`([^`\n]{1,400})`")
_PROGRAMS_OF = {  # packages that start programs
    "spatie/browsershot": ("node", "npm"),
    "nesk/puphpeteer": ("node",),
    "spatie/laravel-backup": ("mysqldump", "pg_dump", "unzip", "zip"),
    "czproject/git-php": ("git",),
    "gitonomy/gitlib": ("git",),
    "cpliakas/git-wrapper": ("git",),
    "symplify/git-wrapper": ("git",),
}
_NODE = frozenset(("node", "nodejs", "npm", "npx", "pnpm", "yarn", "pm2"))
_ASSET_SOURCES = (".css", ".scss", ".sass", ".less", ".vue", ".svelte")
_WRITES = re.compile(
    r"(?:move|file_put_contents|fopen|mkdir|store(?:As)?|put|save|copy)\s*\([^;\n]*(?:public_path|base_path)\s*\("
)


def programs_at_run_time(project: Project, found: PhpSurvey) -> frozenset[str]:
    """The programs that the service may start: named by its commands, its scripts, its sources or its packages."""
    programs: set[str] = set()
    for keyword in ("ENTRYPOINT", "CMD", "HEALTHCHECK"):
        place = found.last(keyword)
        if place is not None:
            programs |= programs_in(place.instruction.arguments)
    for _, text in _scripts(project.root, found):
        programs |= programs_in(text)
    for package in project.php.packages if project.php else ():
        programs |= set(_PROGRAMS_OF.get(package, ()))
    for _, text in _php_sources(project.root):
        if _STARTS.search(text):
            for match in _STRING.finditer(text):
                programs |= programs_in(next(filter(None, match.groups()), ""))
    return frozenset(programs)


def node_at_run_time(project: Project, found: PhpSurvey, programs: frozenset[str]) -> str | None:
    """Why the running service may need Node, or None."""
    called = sorted(programs & _NODE)
    if called:
        return f"the running service may start {called[0]}"
    for name, text in _scripts(project.root, found):
        if "start-ssr" in text:
            return f"{name} renders pages with Node (inertia:start-ssr)"
    return None


def development_at_run_time(project: Project, php: Php, found: PhpSurvey) -> str | None:
    """Why the running service may need a package of `require-dev`, or None."""
    if php.framework == "symfony" and _mode(project.root, found) != "prod":
        return "nothing sets APP_ENV=prod, and in another mode Symfony loads development bundles"
    for name in php.dev_namespaces:
        pattern = re.compile(rf"(?<![\w\\]){re.escape(name)}")
        guard = re.compile(rf"class_exists\s*\(\s*['\"]?\\*{re.escape(name)}")
        for path, text in _php_sources(project.root):
            match = pattern.search(text.replace("\\\\", "\\"))
            if match and not guard.search(text.replace("\\\\", "\\")) and not path.endswith("bundles.php"):
                line = text.count("\n", 0, match.start()) + 1
                return f"{path}:{line} uses {name.rstrip(chr(92))}, which is a development package"
    return None


def assets_need(project: Project, php: Php | None) -> tuple[bool, str | None]:
    """Whether the asset build reads Composer's packages; and why it cannot run without PHP, or None."""
    manifest = project.manifest
    scripts = manifest.scripts if manifest else {}
    called = [
        words for name in ("build", "production", "prod") for words in reachable_commands(f"npm run {name}", scripts)
    ]
    known = {**manifest.dependencies, **manifest.dev_dependencies} if manifest else {}
    if any(words[0] in ("php", "composer") for words in called) or "@laravel/vite-plugin-wayfinder" in known:
        return False, "the build of the assets calls PHP"
    vendor = php.vendor if php else "vendor"
    reads = re.compile(rf"(?<![\w-]){re.escape(vendor)}/")
    paths = (*source_files(project.root, _ASIDE), *files_named(project.root, _ASSET_SOURCES, _ASIDE))
    return any(reads.search(read_source(project.root, path)) for path in paths), None


def writes_anywhere(root: Path) -> bool:
    """Whether its sources write to more than the framework's own folders."""
    return any(_WRITES.search(text) for _, text in _php_sources(root))


def needs_patches(root: Path) -> bool:
    """Whether Composer patches packages with files of the project."""
    extra = object_of((read_object(root, "composer.json") or {}).get("extra"))
    return any(name in extra for name in ("patches", "patches-file", "composer-patches"))


def _mode(root: Path, found: PhpSurvey) -> str:
    """Symfony's APP_ENV: the Dockerfile's ENV, else the committed defaults."""
    mode = ""
    for place in found.places:
        for pair in pairs(place.instruction) if place.instruction.keyword == "ENV" else ():
            if pair.name == "APP_ENV":
                mode = (pair.value or "").strip("'\"")
    stated = re.search(r"^APP_ENV=[\"']?(\w+)", read_text(root, ".env") or "", re.MULTILINE)
    return mode or (stated[1] if stated else "")


def _php_sources(root: Path) -> Iterator[tuple[str, str]]:
    for path in files_named(root, _SOURCES, _ASIDE):
        yield path, read_source(root, path)


def _scripts(root: Path, found: PhpSurvey) -> Iterator[tuple[str, str]]:
    """The project's files that the image starts with or that are copied to elsewhere, with their text."""
    names: list[str] = []
    for place in found.places:
        if place.copies in ("sources", "elsewhere") and place.target and not place.instruction.flag("from"):
            outside = place.target != found.folder and not place.target.startswith(f"{found.folder}/")
            names += place.sources if outside else ()
    for keyword in ("ENTRYPOINT", "CMD"):
        last = found.last(keyword)
        if last is not None:
            words = last.instruction.values
            names += [word.removeprefix(f"{found.folder}/") for word in words]
    for name in dict.fromkeys(names):
        path = name.removeprefix("./").lstrip("/")
        text = read_text(root, path) if path else None
        if text:
            yield path, text


def named_by_sources(root: Path) -> set[str]:
    """The names at the top of the project that its PHP mentions: they are not junk, whatever they look like."""
    text = "\n".join(source for _, source in _php_sources(root))
    return {name for name in top_names(root) if re.search(rf"['\"/]{re.escape(name)}['\"/]", text)}
