"""What a build writes and reads."""

import json

import pytest
from project.conftest import Write

from imageopt.project.builds import read_build
from imageopt.project.jsonc import parse_object
from imageopt.project.manifest import read_manifest
from imageopt.project.tsconfig import read_tsconfig

TSCONFIG = '\ufeff{\n  // out\n  "compilerOptions": {"outDir": "./lib/", /* x */ "rootDir": "src",},\n  "include": ["src/**/*"],\n}'


@pytest.mark.parametrize(
    ("scripts", "files", "outputs"),
    [
        ({"build": "tsc"}, {"tsconfig.json": TSCONFIG}, ("lib",)),
        (
            {"build": "tsc -p tsconfig.prod.json"},
            {"tsconfig.prod.json": '{"extends": "./tsconfig"}', "tsconfig.json": TSCONFIG},
            ("lib",),
        ),
        ({"build": "tsc --outDir out"}, {"tsconfig.json": TSCONFIG}, ("out",)),
        (
            {"build": "tsc -b packages"},
            {"packages/tsconfig.json": '{"compilerOptions": {"outDir": "../dist"}}'},
            ("dist",),
        ),
        ({"build": "tsc"}, {}, ()),
        ({"build": "tsc"}, {"tsconfig.json": '{"compilerOptions": {"outDir": "../elsewhere"}}'}, ()),
        ({"build": "tsc"}, {"tsconfig.json": "[]"}, ()),
        (
            {"build": "npm run clean && npm run compile", "clean": "rimraf dist", "compile": "tsc"},
            {"tsconfig.json": TSCONFIG},
            ("lib",),
        ),
        ({"build": "tsc", "postbuild": "cp -r src/views lib/views"}, {"tsconfig.json": TSCONFIG}, ("lib",)),
        (
            {"build": "nest build"},
            {"tsconfig.json": "{}", "tsconfig.build.json": '{"compilerOptions": {"outDir": "./dist"}}'},
            ("dist",),
        ),
        ({"build": "vite build"}, {}, ("dist",)),
        (
            {"build": "vite build"},
            {"vite.config.ts": "export default { build: { outDir: 'public/build' } }"},
            ("public/build",),
        ),
        (
            {"build": "webpack"},
            {"webpack.config.js": "output: { path: path.resolve(__dirname, 'bundle') }"},
            ("bundle",),
        ),
        ({"build": "rollup -c"}, {"rollup.config.mjs": "output: { file: 'out/index.js' }"}, ("out",)),
        ({"build": "rollup -c"}, {}, ()),
        ({"build": "esbuild src/a.ts --bundle --outfile=dist/a.js"}, {}, ("dist",)),
        ({"build": "esbuild src/a.ts --outdir=dist"}, {}, ("dist",)),
        ({"build": "npx babel src --out-dir lib"}, {}, ("lib",)),
        ({"build": "swc src -d out"}, {}, ("out",)),
        ({"build": "next build"}, {}, (".next",)),
        ({"build": "next build"}, {"next.config.mjs": "distDir: 'web'"}, ("web",)),
        ({"build": "node build.js"}, {}, ()),
        ({"build": "cp -r src /opt/x"}, {}, ()),
        ({"build": "npm run build"}, {}, ()),
        ({"build": "echo 'open"}, {}, ()),
        ({}, {"tsconfig.json": TSCONFIG}, ()),
    ],
)
def test_outputs_are_what_configuration_or_a_flag_says(
    project: Write, scripts: dict[str, str], files: dict[str, str], outputs: tuple[str, ...]
) -> None:
    root = project({"package.json": json.dumps({"scripts": scripts}), "src/a.ts": "", **files})
    assert read_build(root, read_manifest(root)[0]).outputs == outputs


def test_inputs_are_what_the_build_needs_of_the_folder(project: Write) -> None:
    root = project(
        {
            "package.json": json.dumps({"scripts": {"build": "tsc -p . && node scripts/copy.js --from=assets/x"}}),
            "tsconfig.json": TSCONFIG,
            "vite.config.ts": "",
            "src/a.ts": "",
            "public/a": "",
            "scripts/copy.js": "",
            "assets/x/a": "",
            "lib/a.js": "",
            "docs/a": "",
        }
    )
    inputs = read_build(root, read_manifest(root)[0]).inputs
    assert inputs == ("assets", "assets/x", "public", "scripts/copy.js", "src", "tsconfig.json", "vite.config.ts")


@pytest.mark.parametrize(
    ("config", "source", "compiled"),
    [
        ({"outDir": "dist", "rootDir": "src"}, "src/a/b.ts", "dist/a/b.js"),
        ({"outDir": "dist", "rootDir": "src"}, "src/a.tsx", "dist/a.js"),
        ({"outDir": "dist", "rootDir": "src"}, "src/a.mts", "dist/a.mjs"),
        ({"outDir": "dist", "rootDir": "."}, "src/a.ts", "dist/src/a.js"),
        ({"outDir": "dist", "rootDir": "src"}, "test/a.ts", None),
        ({"outDir": "dist"}, "src/a.ts", "dist/a.js"),  # the folder that `include` has in common
        ({}, "src/a.ts", None),
    ],
)
def test_a_source_is_compiled_to_a_place(
    project: Write, config: dict[str, str], source: str, compiled: str | None
) -> None:
    root = project({"tsconfig.json": json.dumps({"compilerOptions": config, "include": ["src/**/*.ts"]})})
    found = read_tsconfig(root, ".")
    assert found is not None
    assert found.compiled(source) == compiled


def test_extends_that_goes_in_circles_or_out_ends(project: Write) -> None:
    root = project(
        {
            "tsconfig.json": '{"extends": ["@tsconfig/node20", "./a.json"]}',
            "a.json": '{"extends": "./tsconfig.json", "compilerOptions": {"outDir": "x"}}',
            "b.json": '{"extends": "../../outside"}',
        }
    )
    circle, out = read_tsconfig(root, "tsconfig.json"), read_tsconfig(root, "b.json")
    assert circle is not None
    assert circle.out_dir == "x"
    assert out is not None
    assert out.out_dir is None
    assert read_tsconfig(root, "../x") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": "// \\" no", /* c */ "b": [1, 2, ], }', {"a": '// " no', "b": [1, 2]}),
        ('{"a": 1 // to the end', None),
        ("/* open", None),
        ("[1]", None),
        ('{"a": "open', None),
    ],
)
def test_json_with_comments(text: str, value: object) -> None:
    assert parse_object(text, comments=True) == value
