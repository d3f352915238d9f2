"""Each framework, what its build leaves, and whether that is files alone."""

import json
from collections.abc import Mapping

import pytest
from project.conftest import Write

from imageopt.project.builds import read_build
from imageopt.project.frameworks import app_framework, read_framework
from imageopt.project.manifest import manifest_of
from imageopt.project.model import Framework
from imageopt.project.read import read_project


def read(project: Write, dependencies: str, files: Mapping[str, str], **scripts: str) -> Framework | None:
    """`dependencies` are names; those after a `|` are for development."""
    production, _, development = dependencies.partition("|")
    data = {
        "dependencies": dict.fromkeys(production.split(), "99"),
        "devDependencies": dict.fromkeys(development.split(), "99"),
        "scripts": scripts,
    }
    root = project({"package.json": json.dumps(data), **files})
    manifest = manifest_of(dict(data))
    return read_framework(root, manifest, read_build(root, manifest).outputs)


NODE = ("node_modules", "package.json")
ANGULAR = {"architect": {"build": {"builder": "@angular/build:application"}}}


def angular(builder: str = "@angular/build:application", **options: object) -> dict[str, str]:
    target = {"builder": builder, "options": options}
    return {"angular.json": json.dumps({"projects": {"shop": {"architect": {"build": target}}}})}


@pytest.mark.parametrize(
    ("dependencies", "files", "outputs", "needs", "start", "source"),
    [
        ("next", {}, (".next",), NODE, (), "package.json"),
        ("next", {"next.config.mjs": "export default { distDir: 'build' }", "public/a": ""}, ("build",), (*NODE, "public", "next.config.mjs"), (), "next.config.mjs"),
        ("next", {"next.config.js": "module.exports = {\n  output: 'standalone',\n}"}, (".next/standalone", ".next/static"), (), ("node", "server.js"), "next.config.js:2"),
        ("next", {"next.config.ts": "const c: NextConfig = { output: \"standalone\" }; export default c", "public/a": ""}, (".next/standalone", ".next/static"), ("public",), ("node", "server.js"), "next.config.ts:1"),
        ("next", {"next.config.cjs": "// output: 'export'\nmodule.exports = { output: `standalone` as const, distDir: './out/' }"}, ("out/standalone", "out/static"), (), ("node", "server.js"), "next.config.cjs:2"),
        ("next", {"next.config.js": "const mode = 'standalone'\nmodule.exports = { output: mode }"}, (".next/standalone", ".next/static"), (), ("node", "server.js"), "next.config.js:2"),
        ("next", {"next.config.js": "module.exports = { webpack(c) { c.output.path = 'x'; return c } }"}, (".next",), (*NODE, "next.config.js"), (), "next.config.js"),
        ("nuxt", {}, (".output",), (), ("node", ".output/server/index.mjs"), "package.json"),
        ("nuxt", {"nuxt.config.ts": "export default defineNuxtConfig({ nitro: { preset: 'node-server' } })"}, (".output",), (), ("node", ".output/server/index.mjs"), "nuxt.config.ts"),
        ("@sveltejs/kit|@sveltejs/adapter-node", {"svelte.config.js": "export default { kit: { adapter: adapter({ out: 'server' }) } }"}, ("server",), NODE, ("node", "server"), "svelte.config.js"),
        ("astro @astrojs/node", {"astro.config.mjs": "import node from '@astrojs/node'\nexport default { output: 'server', adapter: node() }"}, ("dist",), NODE, ("node", "dist/server/entry.mjs"), "astro.config.mjs"),
        ("@remix-run/node @remix-run/react", {"public/x": ""}, ("build",), (*NODE, "public"), (), "package.json"),
        ("@react-router/node|@react-router/dev", {"react-router.config.ts": "export default { ssr: true, buildDirectory: 'out' } satisfies Config"}, ("out",), NODE, (), "react-router.config.ts:1"),
        ("@nestjs/core express", {"nest-cli.json": "{}"}, ("dist",), NODE, (), "nest-cli.json"),
        ("express", {}, (), NODE, (), "package.json"),
        ("fastify", {}, (), NODE, (), "package.json"),
        ("ms", {"server.js": ""}, (), NODE, (), "package.json"),
        ("@angular/core", angular(outputPath="out", ssr={"entry": "server.ts"}), ("out",), (), ("node", "out/server/server.mjs"), "angular.json"),
        ("@angular/core", angular("@angular-devkit/build-angular:browser-esbuild", server="main.server.ts"), ("dist/shop",), NODE, ("node", "dist/shop/server/server.mjs"), "angular.json"),
        ("@angular/core", angular("@angular-devkit/build-angular:browser", server="x"), ("dist/shop",), NODE, ("node", "dist/shop/server/main.js"), "angular.json"),
    ],
)  # fmt: skip
def test_servers(
    project: Write,
    dependencies: str,
    files: Mapping[str, str],
    outputs: tuple[str, ...],
    needs: tuple[str, ...],
    start: tuple[str, ...],
    source: str,
) -> None:
    found = read(project, dependencies, files)
    assert found is not None
    assert (found.renders, found.outputs, found.needs, found.start, found.source) == (
        "server",
        outputs,
        needs,
        start,
        source,
    )


@pytest.mark.parametrize(
    ("dependencies", "files", "scripts", "folder"),
    [
        ("next", {"next.config.js": "module.exports = { output: 'export' }"}, {}, "out"),
        ("next", {"next.config.js": "module.exports = { output: 'export', distDir: 'site' }"}, {}, "site"),
        ("nuxt", {}, {"build": "nuxt generate"}, ".output/public"),
        ("nuxt", {"nuxt.config.ts": "export default { nitro: { preset: 'static' } }"}, {}, ".output/public"),
        ("|@sveltejs/kit @sveltejs/adapter-static", {"svelte.config.js": "adapter({ pages: 'site' })"}, {}, "site"),
        ("astro", {}, {}, "dist"),
        ("astro", {"astro.config.mjs": "export default { outDir: './public_html/', output: 'static' }"}, {}, "public_html"),
        ("astro @astrojs/node", {"astro.config.mjs": "export default {}"}, {}, "dist"),  # not used
        ("|@react-router/dev", {"react-router.config.ts": "export default { ssr: false }"}, {}, "build/client"),
        ("|vite", {"index.html": ""}, {"build": "vite build", "start": "vite preview"}, "dist"),
        ("react|vite", {"index.html": "", "vite.config.ts": "export default defineConfig({ build: { outDir: 'web' } })"}, {"build": "vite build"}, "web"),
        ("|vite", {"index.html": ""}, {"build": "tsc && vite build --outDir site"}, "site"),
        ("|vite", {"vite.config.js": "export default { root: 'client', build: { outDir: '../dist' } }"}, {"build": "vite build"}, "dist"),
        ("react-scripts", {"api/x": ""}, {"build": "react-scripts build", "start": "react-scripts start"}, "build"),
        ("|vitepress", {}, {}, ".vitepress/dist"),
        ("gatsby", {}, {}, "public"),
        ("@angular/core", angular(), {}, "dist/shop/browser"),
        ("@angular/core", angular(outputPath={"base": "out", "browser": ""}), {}, "out"),
        ("@angular/core", angular("@angular-devkit/build-angular:browser", outputPath="www/"), {}, "www"),
    ],
)  # fmt: skip
def test_static_sites(
    project: Write, dependencies: str, files: Mapping[str, str], scripts: Mapping[str, str], folder: str
) -> None:
    found = read(project, dependencies, files, **scripts)
    assert found is not None
    assert (found.renders, found.outputs, found.serve_from, found.needs) == ("static", (folder,), folder, ())


@pytest.mark.parametrize(
    ("dependencies", "files", "scripts", "reason"),
    [
        ("next", {"next.config.js": "module.exports = { output: process.env.X }"}, {}, "the configuration computes output"),
        ("next", {"next.config.js": "module.exports = { output: " + "`${" * 30_000}, {}, "the configuration computes output"),
        ("next", {"next.config.js": "module.exports = { distDir: dir() }"}, {}, "the configuration computes distDir"),
        ("next", {"next.config.js": "module.exports = { distDir: '../x' }"}, {}, "its output lies outside of the folder"),
        ("next", {"next.config.js": "module.exports = { output: 'export' }", "app/api/x/route.ts": ""}, {}, "app/api holds code for a server"),
        ("next express", {"next.config.js": "module.exports = { output: 'export' }"}, {}, "it depends on express, which is code for a server"),
        ("nuxt", {"nuxt.config.ts": "export default { nitro: { preset: 'vercel' } }"}, {}, "the preset is vercel"),
        ("nuxt", {"nuxt.config.ts": "export default { nitro: { preset: x } }"}, {}, "the preset is computed"),
        ("|@sveltejs/kit @sveltejs/adapter-auto", {}, {}, "the adapter is @sveltejs/adapter-auto, which is for no container"),
        ("|@sveltejs/kit", {}, {}, "it has no adapter"),
        ("astro", {"astro.config.mjs": "export default { output: 'server' }"}, {}, "the output needs an adapter"),
        ("astro", {"astro.config.mjs": "export default { outDir: '/var/www' }"}, {}, "its output lies outside of the folder"),
        ("astro @astrojs/vercel", {"astro.config.mjs": "import v from '@astrojs/vercel'"}, {}, "the adapter is @astrojs/vercel, which is for no container"),
        ("|@react-router/dev", {"react-router.config.ts": "export default { ssr: isCi }"}, {}, "the configuration computes ssr"),
        ("express|vite", {"index.html": ""}, {"build": "vite build"}, "it depends on express, which is code for a server"),
        ("|vite", {"index.html": ""}, {"build": "vite build", "start": "NODE_ENV=production node server.mjs"}, "its start script runs server.mjs"),
        ("|vite", {"index.html": ""}, {"build": "vite build --ssr src/server.ts"}, "the build makes a bundle for a server"),
        ("|vite", {}, {"build": "vite build"}, "there is no index.html"),
        ("|vite", {"index.html": "", "vite.config.ts": "export default { build: { outDir: out() } }"}, {"build": "x"}, "the configuration computes outDir"),
        ("|vite", {"index.html": "", "vite.config.ts": "export default { build: { outDir: '../out' } }"}, {"build": "x"}, "its output lies outside of the folder"),
        ("@angular/core", {}, {}, "angular.json builds no application"),
        ("@angular/core", {"angular.json": json.dumps({"projects": dict.fromkeys("ab", ANGULAR)})}, {}, "angular.json builds several applications"),
        ("@angular/core @angular/ssr", angular(), {}, "it depends on Angular's server and angular.json does not use it"),
        ("@angular/core", {"angular.json": '{"projects": {"x": {"projectType": "library"}}}'}, {}, "angular.json builds no application"),
    ],
)  # fmt: skip
def test_what_is_not_known_says_why(
    project: Write, dependencies: str, files: Mapping[str, str], scripts: Mapping[str, str], reason: str
) -> None:
    found = read(project, dependencies, files, **scripts)
    assert found is not None
    assert (found.renders, found.reason) == ("unknown", reason)


def test_the_app_of_a_workspace_has_a_framework_of_its_own(project: Write) -> None:
    files = {
        "package.json": '{"workspaces": ["apps/*"]}',
        "apps/web/package.json": '{"devDependencies": {"vite": "5"}, "scripts": {"build": "vite build --outDir site", "start": "x"}}',
        "apps/web/index.html": "",
    }
    found = app_framework(read_project(project(files)))
    assert found is not None
    assert (found.name, found.outputs) == ("vite", ("site",))


def test_without_a_workspace_the_framework_is_the_project_s(project: Write) -> None:
    found = read_project(project({"package.json": '{"dependencies": {"express": "4"}}'}))
    assert app_framework(found) == found.built_on
    assert found.built_on is not None
    assert found.built_on.name == "express"


def test_nothing_that_runs_is_no_framework(project: Write) -> None:
    assert read(project, "ms", {}) is None
    assert read_framework(project({}), None) is None
