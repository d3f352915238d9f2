"""package.json and the framework's configuration -> Framework: what the build writes, and whether a server must run.

"static" is said only where nothing speaks for code on a server: no adapter, no API routes, no server framework among
the production packages, no start script that runs a file of the project. What is computed is unknown.
"""

import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec.structs import replace

from imageopt.project.angular import angular
from imageopt.project.builds import read_build
from imageopt.project.config_text import Config, read_config
from imageopt.project.files import exists
from imageopt.project.model import Framework, Manifest, Project
from imageopt.project.scripts import reachable_commands, split_assignments
from imageopt.project.tsconfig import normal

_Read = Callable[[Path, Manifest, tuple[str, ...]], Framework]
_SERVERS = {
    "@adonisjs/core": "adonis",
    "fastify": "fastify",
    "koa": "koa",
    "hono": "hono",
    "@hapi/hapi": "hapi",
    "restify": "restify",
    "polka": "polka",
    "express": "express",
}
_SERVER_CODE = ("@nestjs/core", *_SERVERS, "ws", "socket.io", "@apollo/server", "json-server", "graphql-yoga")
_SERVER_FOLDERS = {
    "next": ("pages/api", "src/pages/api", "app/api", "src/app/api"),
    "nuxt": ("server/api", "server/routes"),
    "gatsby": ("src/api",),
}
_ADAPTERS = ("node", "vercel", "netlify", "cloudflare", "deno")
_NEXT_WITH_STANDALONE = 12  # an older one passes the option over
_BY_ITSELF = ("node_modules", "package.json")


def read_framework(root: Path, manifest: Manifest | None, outputs: tuple[str, ...] = ()) -> Framework | None:
    """The framework of the package in `root`; `outputs` are those of its build. None where nothing runs or is built."""
    if manifest is None:
        return None
    known = {**manifest.dependencies, **manifest.dev_dependencies}
    read = next((read for package, read in _FRAMEWORKS.items() if package in known), None)
    if read is not None:
        return _checked(root, manifest, read(root, manifest, outputs))
    server = next((package for package in _SERVERS if package in known), None)
    if server is not None:
        return _server(_SERVERS[server], outputs, f"it depends on {server}")
    if "start" in manifest.scripts or manifest.main or exists(root, "server.js"):
        return _server("plain", outputs, "it is started as it is")
    return None


def app_framework(project: Project) -> Framework | None:
    """The framework of the workspace's member that the Dockerfile builds, its paths relative to that folder.

    Without a workspace, or where nothing says which member it is, the project's own.
    """
    known = project.workspace
    named = known.app.value if known and known.app else None
    member = next((member for member in known.members if member.folder == named), None) if known else None
    if member is None:
        return project.built_on
    folder = project.root / member.folder
    return read_framework(folder, member.manifest, read_build(folder, member.manifest).outputs)


def _server(name: str, outputs: tuple[str, ...], reason: str) -> Framework:
    return Framework(name, "server", outputs, _BY_ITSELF, (), "", reason, "package.json")


def _static(name: str, folder: str, reason: str, source: str) -> Framework:
    return Framework(name, "static", (folder,), (), (), folder, reason, source or "package.json")


def _leads_out(name: str, config: Config) -> Framework:
    return Framework(name, "unknown", (), (), (), "", "its output lies outside of the folder", config.path)


def _checked(root: Path, manifest: Manifest, found: Framework) -> Framework:
    """Static only if no server code speaks against it."""
    if found.renders != "static":
        return found
    server = next((package for package in _SERVER_CODE if package in manifest.dependencies), None)
    if server is not None:
        return replace(found, renders="unknown", reason=f"it depends on {server}, which is code for a server")
    for words in reachable_commands(manifest.scripts.get("start", ""), manifest.scripts):
        run = split_assignments(words)[1]
        if len(run) > 1 and run[0] in ("node", "tsx", "ts-node", "bun") and not run[1].startswith("-"):
            return replace(found, renders="unknown", reason=f"its start script runs {run[1]}")
    folder = next((folder for folder in _SERVER_FOLDERS.get(found.name, ()) if exists(root, folder)), None)
    if folder is not None:
        return replace(found, renders="unknown", reason=f"{folder} holds code for a server")
    return found


def _major(manifest: Manifest, name: str) -> float:
    """The major version that package.json asks for; the newest where it names none."""
    asked = re.match(r"[~^>=v\s]*(\d+)", manifest.dependencies.get(name, ""))
    return int(asked[1]) if asked else math.inf


def _runs(manifest: Manifest, *names: str) -> bool:
    """Whether the build runs one of these words."""
    words = {word for command in reachable_commands("npm run build", manifest.scripts) for word in command}
    return not words.isdisjoint(names)


def _next(root: Path, manifest: Manifest, _outputs: tuple[str, ...]) -> Framework:
    config = read_config(root, "next.config")
    output, folder = config.option("output"), config.option("distDir")
    place = config.place(output) or "package.json"
    if (output.given and output.value is None) or (folder.given and folder.value is None):
        computed = "output" if output.given and output.value is None else "distDir"
        reason = f"the configuration computes {computed}"
        return Framework("next", "unknown", (), _BY_ITSELF, (), "", reason, place)
    written = normal(folder.value or ".next")
    if written is None:
        return _leads_out("next", config)
    public = ("public",) if exists(root, "public") else ()
    if output.value == "standalone" and _major(manifest, "next") >= _NEXT_WITH_STANDALONE:
        outputs, reason = (f"{written}/standalone", f"{written}/static"), "output is standalone"
        start = ("node", "server.js")
        return Framework("next", "server", outputs, public, start, f"{written}/standalone", reason, place)
    if output.value == "export":
        return _static("next", written if folder.value else "out", "output is export", place)
    needs = (*_BY_ITSELF, *public, *((config.path,) if config.path else ()))
    return Framework("next", "server", (written,), needs, (), "", "it renders on a server", place)


def _nuxt(root: Path, manifest: Manifest, _outputs: tuple[str, ...]) -> Framework:
    config = read_config(root, "nuxt.config")
    preset = config.option("preset")
    if _runs(manifest, "generate") or preset.value in ("static", "github-pages", "gitlab-pages"):
        reason = f"the preset is {preset.value}" if preset.value else "the build generates every page"
        return _static("nuxt", ".output/public", reason, config.place(preset))
    if preset.given and preset.value not in ("node-server", "node", "node-cluster"):
        shown = preset.value or "computed"
        return Framework("nuxt", "unknown", (), (), (), "", f"the preset is {shown}", config.place(preset))
    start = ("node", ".output/server/index.mjs")
    # Nitro copies the packages it needs into its output
    return Framework(
        "nuxt", "server", (".output",), (), start, "", "it renders on a server", config.path or "package.json"
    )


def _sveltekit(root: Path, manifest: Manifest, _outputs: tuple[str, ...]) -> Framework:
    config = read_config(root, "svelte.config", "vite.config")
    known = {**manifest.dependencies, **manifest.dev_dependencies}
    adapter = next((name for name in known if re.match(r"@sveltejs/adapter-|svelte-adapter-", name)), "")
    place = config.path or "package.json"
    if adapter == "@sveltejs/adapter-node":
        folder = config.option("out").value or "build"
        start = ("node", folder)
        needs = _BY_ITSELF
        return Framework("sveltekit", "server", (folder,), needs, start, "", f"the adapter is {adapter}", place)
    if adapter == "@sveltejs/adapter-static":
        folder = config.option("pages").value or "build"
        return _static("sveltekit", folder, f"the adapter is {adapter}", place)
    reason = f"the adapter is {adapter}, which is for no container" if adapter else "it has no adapter"
    return Framework("sveltekit", "unknown", (), (), (), "", reason, place)


def _astro(root: Path, manifest: Manifest, _outputs: tuple[str, ...]) -> Framework:
    config = read_config(root, "astro.config")
    output = config.option("output")
    folder = normal(config.option("outDir").value or "dist")
    if folder is None:
        return _leads_out("astro", config)
    adapters = (f"@astrojs/{name}" for name in _ADAPTERS)
    adapter = next((name for name in adapters if name in manifest.dependencies and config.imports(name)), "")
    if adapter == "@astrojs/node":
        start = ("node", f"{folder}/server/entry.mjs")
        needs = _BY_ITSELF
        return Framework("astro", "server", (folder,), needs, start, "", f"the adapter is {adapter}", config.path)
    if adapter or output.value in ("server", "hybrid") or (output.given and output.value is None):
        reason = f"the adapter is {adapter}, which is for no container" if adapter else "the output needs an adapter"
        return Framework("astro", "unknown", (folder,), (), (), "", reason, config.place(output))
    return _static("astro", folder, "every page is made by the build", config.path)


def _remix(root: Path, manifest: Manifest, _outputs: tuple[str, ...]) -> Framework:
    name = "react-router" if "@react-router/dev" in {**manifest.dependencies, **manifest.dev_dependencies} else "remix"
    config = read_config(root, "react-router.config", "remix.config", "vite.config")
    ssr, folder = config.option("ssr"), config.option("buildDirectory").value or "build"
    if ssr.value == "false":
        return _static(name, f"{folder}/client", "ssr is off", config.place(ssr))
    needs = (*_BY_ITSELF, *(("public",) if name == "remix" and exists(root, "public") else ()))
    renders = "unknown" if ssr.given and ssr.value is None else "server"
    reason = "the configuration computes ssr" if renders == "unknown" else "it renders on a server"
    place = config.place(ssr) or "package.json"
    return Framework(name, "unknown" if renders == "unknown" else "server", (folder,), needs, (), "", reason, place)


def _vite(root: Path, manifest: Manifest, outputs: tuple[str, ...]) -> Framework:
    config = read_config(root, "vite.config")
    folder = config.option("outDir")
    if folder.given and folder.value is None and not outputs:
        return Framework("vite", "unknown", (), (), (), "", "the configuration computes outDir", config.place(folder))
    if _runs(manifest, "--ssr") or config.option("ssr").value not in (None, "false"):
        return Framework("vite", "unknown", outputs, (), (), "", "the build makes a bundle for a server", config.path)
    if not exists(root, "index.html") and not config.option("root").given:
        return Framework(
            "vite", "unknown", outputs, (), (), "", "there is no index.html", config.path or "package.json"
        )
    base = config.option("root").value or "."
    written = normal(f"{base}/{folder.value or 'dist'}") if folder.value or len(outputs) != 1 else outputs[0]
    if written is None:
        return _leads_out("vite", config)
    return _static("vite", written, "the build makes files alone", config.place(folder))


def _files(name: str, folder: str) -> _Read:
    def read(_root: Path, _manifest: Manifest, outputs: tuple[str, ...]) -> Framework:
        written = outputs[0] if len(outputs) == 1 else folder
        return _static(name, written, "the build makes files alone", "package.json")

    return read


def _nest(root: Path, _manifest: Manifest, outputs: tuple[str, ...]) -> Framework:
    found = _server("nest", outputs or ("dist",), "it depends on @nestjs/core")
    return replace(found, source="nest-cli.json") if exists(root, "nest-cli.json") else found


_FRAMEWORKS: Mapping[str, _Read] = {  # the first that is a dependency; what builds on another comes before it
    "next": _next,
    "nuxt": _nuxt,
    "@sveltejs/kit": _sveltekit,
    "astro": _astro,
    "gatsby": _files("gatsby", "public"),
    "@docusaurus/core": _files("docusaurus", "build"),
    "vitepress": _files("vitepress", ".vitepress/dist"),
    "@react-router/dev": _remix,
    "@remix-run/node": _remix,
    "@remix-run/react": _remix,
    "@nestjs/core": _nest,
    "@angular/core": angular,
    "react-scripts": _files("cra", "build"),
    "@vue/cli-service": _files("vue-cli", "dist"),
    "@11ty/eleventy": _files("eleventy", "_site"),
    "vite": _vite,
}
