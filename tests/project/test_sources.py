"""What the service reads, writes, starts, answers and listens on, found in the files that its entry reaches."""

import json
from collections.abc import Mapping

import pytest
from project.conftest import Write

from imageopt.project.model import Fact, Project
from imageopt.project.read import read_project

COMPILED = '{"scripts": {"build": "tsc", "start": "node dist/main.js"}}'
TSCONFIG = '{"compilerOptions": {"outDir": "dist", "rootDir": "src"}, "include": ["src"]}'


def javascript(project: Write, text: str, more: Mapping[str, str] | None = None) -> Project:
    files = {"package.json": '{"scripts": {"start": "node main.js"}}', "main.js": text, **(more or {})}
    return read_project(project(files))


def values(facts: object) -> list[str]:
    assert isinstance(facts, tuple)
    return [fact.value for fact in facts]


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("app.use(express.static('public'))", ["public"]),
        ("app.use('/x', express.static(path.join(__dirname, 'public'), { maxAge: 1 }))", ["public"]),
        ("app.set('views', './views')", ["views"]),
        ("res.sendFile('a.html', { root: 'public' })", ["public"]),
        ("res.sendFile(join(__dirname, 'views', 'a.html'))", ["views/a.html"]),
        ("app.register(fastifyStatic, { root: path.join(__dirname, 'public'), prefix: '/p/' })", ["public"]),
        ("fs.readFileSync(`${__dirname}/views/a.html`, 'utf8')", ["views/a.html"]),
        ("readFile('views/a.html'); readFile('views')", ["views"]),
        ("fs.readFileSync('absent.txt')", []),
        ("fs.readFileSync('/etc/hosts')", []),
        ("// fs.readFileSync('public/a.css')", []),
        ("import 'dotenv/config'", [".env"]),
        ("const messages = require('./views/messages.json')", ["views/messages.json"]),
        ("const api = YAML.load('./docs/api.yaml')", ["docs/api.yaml"]),
        ("new Mailer({ templates: path.join(__dirname, 'docs') })", ["docs"]),
        ("load(__dirname + '/docs/api.yaml'); load(`${__dirname}/views`)", ["docs/api.yaml", "views"]),
        ("swagger({ apis: ['./docs/*.yaml', './docs/**/*.json'] })", ["docs"]),
        ("app.set('view engine', 'pug')", ["views"]),
        ("dotenv.config({ path: '.env.production' })", [".env.production"]),
        ("const folder = path.join(__dirname, 'docs'); fs.mkdirSync(folder)", []),
        ("app.get('docs'); use('docs/absent.yaml', 'node_modules/a', '../docs/api.yaml', '/docs/api.yaml')", []),
    ],
)
def test_runtime_paths_are_what_is_read_and_there(project: Write, text: str, paths: list[str]) -> None:
    more = {"public/a.css": "", "views/a.html": "", "views/messages.json": "{}", ".env": "", ".env.production": ""}
    more |= {"docs/api.yaml": "", "node_modules/a": ""}
    assert values(javascript(project, text, more).runtime_paths) == paths


def test_a_package_may_look_for_its_files_itself(project: Write) -> None:
    manifest = '{"dependencies": {"config": "3.3.11", "newrelic": "11.0.0"}, "devDependencies": {"i18n": "0.15.0"}}'
    more = {"package.json": manifest, "config/default.json": "{}", "newrelic.js": "", "locales/de.json": "{}"}
    assert values(javascript(project, "require('config')", more).runtime_paths) == ["config", "newrelic.js"]
    more[".dockerignore"] = "config\n"
    assert values(javascript(project, "require('config')", more).runtime_paths) == ["newrelic.js"]


@pytest.mark.parametrize(
    ("text", "absent"),
    [
        ("fs.readFileSync('data/geo.mmdb')", ["data/geo.mmdb"]),
        ("fs.readFileSync('public/a.css'); fs.readFileSync('/etc/hosts'); import 'dotenv/config'", []),
        ("fs.mkdirSync('data'); fs.readdirSync('data'); fs.readFileSync(`data/${id}`)", []),
    ],
)
def test_what_is_read_may_have_to_be_made_first(project: Write, text: str, absent: list[str]) -> None:
    assert values(javascript(project, text, {"public/a.css": ""}).absent_reads) == absent


@pytest.mark.parametrize(
    ("text", "paths", "unresolved"),
    [
        ("fs.mkdirSync('data', { recursive: true })", ["data"], []),
        ("fs.writeFile(path.join('data', 'a.txt'), x, done)", ["data"], []),
        ("await appendFile(process.env.LOG || 'logs/a.log', line)", ["logs"], []),
        ("fs.createWriteStream(`uploads/${name}`)", ["uploads"], []),
        ("multer({ dest: 'uploads/' })", ["uploads"], []),
        ("new winston.transports.File({ filename: 'logs/error.log' })", ["logs"], []),
        ("new winston.transports.File({ filename: 'error.log' })", ["."], []),
        ("new Sequelize({ dialect: 'sqlite', storage: './database.sqlite' })", ["."], []),
        ("knex({ client: 'sqlite3', connection: { filename: './data/dev.sqlite3' } })", ["data"], []),
        ("new DataSource({ type: 'sqlite', database: 'db.sqlite' })", ["."], []),
        (
            "new DataSource({ type: 'postgres', database: 'shop' }); plugin({ filename: 'app.js', storage: 'local' })",
            [],
            [],
        ),
        ("GraphQLModule.forRoot({ autoSchemaFile: join(process.cwd(), 'src/schema.gql') })", ["src"], []),
        ("GraphQLModule.forRoot({ autoSchemaFile: true })", [], []),
        ("buildSchema({ emitSchemaFile: 'schema.graphql' })", ["."], []),
        ("fileUpload({ useTempFiles: true, tempFileDir: './tmp/' })", ["tmp"], []),
        ("pino(pino.destination('./app.log')); pino.destination(1)", ["."], []),
        ("fs.openSync('./out.log', 'a'); fs.openSync('./in.txt', 'r'); fs.openSync('./x')", ["."], []),
        ("new Database('db/app.sqlite')", ["db"], []),
        ("new Database(':memory:')", [], []),
        ("fs.writeFileSync('out.txt', x)", ["."], []),
        ("fs.writeFileSync(path.join(os.tmpdir(), 'x'), y)", [], []),
        ("fs.writeFileSync('/var/lib/app/x', y)", ["/var/lib/app"], []),
        ("fs.writeFileSync(name, body)", [], ["name"]),
        ("fs.writeFileSync('../x/y', body)", [], ["'../x/y'"]),
        ("fs.writeFileSync(process.cwd() + '/' + name, body)", [], ["process.cwd() + '/' + name"]),
    ],
)
def test_writable_paths_are_folders(project: Write, text: str, paths: list[str], unresolved: list[str]) -> None:
    found = javascript(project, text)
    assert (values(found.writable_paths), values(found.unresolved_writes)) == (paths, unresolved)


@pytest.mark.parametrize("package", ["lowdb", "session-file-store", "sqlite3", "@strapi/strapi"])
def test_a_package_that_writes_by_itself_writes_where_the_service_runs(project: Write, package: str) -> None:
    root = project({"package.json": json.dumps({"dependencies": {package: "1"}}), "main.js": "new JSONFile('db.json')"})
    assert read_project(root).writable_paths == (Fact(".", f"package.json ({package})"),)
    root = project({"package.json": json.dumps({"devDependencies": {package: "1"}})})
    assert read_project(root).writable_paths == ()


@pytest.mark.parametrize(
    ("text", "programs"),
    [
        ("const { exec } = require('child_process'); exec('git log')", ["git"]),
        ("import cp from 'node:child_process'; cp.spawn('ffmpeg', ['-i'])", ["ffmpeg"]),
        ("import cp from 'child_process'; cp.spawn(program)", ["*"]),
        ("import { fork } from 'child_process'; fork('./worker.js')", []),
        ("import { spawn } from 'child_process'; spawn(process.execPath, [x])", []),
        ("require('child_process'); /x/.exec(y); model.exec()", []),
        ("spawn('git')", []),  # not Node's
    ],
)
def test_programs_are_what_it_starts(project: Write, text: str, programs: list[str]) -> None:
    assert values(javascript(project, text).programs) == programs


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("app.listen(3000)", ["3000"]),
        ("const port = Number(process.env.PORT ?? 8080); app.listen(port, () => {})", ["8080"]),
        ("server.listen({ port: 4000, host: '0.0.0.0' })", ["4000"]),
        ("const port = 5000; app.listen({ host, port })", ["5000"]),
        ("http.createServer(handler).listen(process.env.PORT || 6000)", ["6000"]),
        ("serve({ fetch: app.fetch, port: 7000 })", ["7000"]),
        ("app.listen('/run/app.sock'); app.listen(99999); app.listen({})", []),
        ("emitter.on('listen', x)", []),
    ],
)
def test_ports_are_what_listen_is_given(project: Write, text: str, ports: list[str]) -> None:
    assert values(javascript(project, text).ports) == ports


def test_the_dockerfiles_environment_decides_over_defaults(project: Write) -> None:
    dockerfile = "FROM node:20\nENV PORT=9000 DIR=/data OTHER=$X\nCMD node main.js\n"
    found = javascript(
        project,
        "app.listen(process.env.PORT || 3000); fs.mkdirSync(process.env.DIR || 'd'); mkdir(process.env.OTHER || 'o')",
        {"Dockerfile": dockerfile},
    )
    assert (values(found.ports), values(found.writable_paths)) == (["9000"], ["/data", "o"])


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("process.on('SIGTERM', stop)", True),
        ('process.once("SIGTERM", () => {})', True),
        ("for (const s of ['SIGINT', 'SIGTERM']) process.on(s, stop)", True),
        ("app.enableShutdownHooks()", True),
        ("process.on('SIGINT', stop)", False),
        ("// process.on('SIGTERM', stop)", False),
        ("const names = ['SIGTERM']", False),
    ],
)
def test_a_handler_for_sigterm_is_found(project: Write, text: str, handles: bool) -> None:
    start = javascript(project, text).start
    assert start is not None
    assert start.handles_sigterm is handles


@pytest.mark.parametrize(
    ("files", "routes"),
    [
        (
            {
                "main.js": "const app = express(); app.get('/a', f); app.get('/b/:id', f); app.get('/c*', f); app.get('x')"
            },
            ["/a"],
        ),
        ({"main.js": "const app = fastify(); app.route({ method: 'GET', url: '/r', handler })"}, ["/r"]),
        ({"main.js": "const app = express(); axios.get('/x', y); cache.get('/y', z); app.all('/z', f)"}, ["/z"]),
        (
            {
                "main.js": "const app = express(); const api = express.Router(); app.use('/api', api); api.get('/', f);"
                " api.get('/v', f)",
            },
            ["/api", "/api/v"],
        ),
        (
            {
                "main.js": "const users = require('./users'); const app = express(); app.use('/users', auth, users)",
                "users.js": "const router = Router(); router.get('/me', f); module.exports = router",
            },
            ["/users/me"],
        ),
        (
            {
                "main.js": "import { a as first } from './a.js'; const app = express(); app.use('/:tenant', first)",
                "a.js": "export const a = Router(); a.get('/x', f)",
            },
            [],
        ),
        (
            {
                "main.js": "import plugin from './p.js'; const app = Fastify(); app.register(plugin, { prefix: '/v1' })",
                "p.js": "export default async function (fastify, options) { fastify.get('/ping', f) }",
            },
            ["/v1/ping"],
        ),
        (
            {
                "main.js": "import { add } from './p.js'; const app = express(); add(app)",
                "p.js": "export function add(app) { app.get('/added', f) }",
            },
            ["/added"],
        ),
        (
            {
                "main.js": "const app = express(); app.use('/s', express.static('www'))",
                "www/index.html": "",
                "www/a.css": "",
            },
            ["/s/", "/s/a.css"],
        ),
    ],
)
def test_routes_are_answered_paths_with_their_prefix(project: Write, files: dict[str, str], routes: list[str]) -> None:
    root = project({"package.json": '{"scripts": {"start": "node main.js"}}', **files})
    assert values(read_project(root).routes) == routes


def test_only_files_that_the_entry_reaches_count(project: Write) -> None:
    found = javascript(
        project,
        "import './lib/a.js'; const x = require('./lib')",
        {
            "lib/a.js": "app.listen(1)",
            "lib/index.js": "app.listen(2)",
            "scripts/dev.js": "app.listen(3); mkdirSync('dev')",
        },
    )
    assert (values(found.ports), values(found.writable_paths)) == (["1", "2"], [])


@pytest.mark.parametrize("text", ["require(name)", "await import(`./${x}.js`)", "import x from '#internal'"])
def test_where_imports_cannot_be_followed_every_file_counts(project: Write, text: str) -> None:
    assert values(javascript(project, text, {"plugins/a.js": "app.listen(3)"}).ports) == ["3"]


def test_a_compiled_entry_is_followed_in_its_sources(project: Write) -> None:
    root = project(
        {
            "package.json": COMPILED,
            "tsconfig.json": TSCONFIG,
            "src/main.ts": "import { root } from './deep/paths.js';\nfs.readFileSync(path.join(root, 'views/a.html'));",
            "src/deep/paths.ts": "export const root = path.join(__dirname, '..', '..');",
            "src/unused.ts": "app.listen(1)",
            "views/a.html": "",
            "dist/main.js": "app.listen(2)",
        }
    )
    found = read_project(root)
    assert values(found.runtime_paths) == ["views/a.html"]
    assert found.ports == ()


def test_what_lies_in_the_build_output_is_no_runtime_path(project: Write) -> None:
    root = project(
        {
            "package.json": COMPILED,
            "tsconfig.json": TSCONFIG,
            "src/main.ts": "fs.readFileSync(__dirname + '/views/a.html')",
            "dist/views/a.html": "",
        }
    )
    assert read_project(root).runtime_paths == ()


def test_path_aliases_make_every_file_count(project: Write) -> None:
    root = project(
        {
            "package.json": COMPILED,
            "tsconfig.json": TSCONFIG.replace('"rootDir"', '"paths": {"@/*": ["src/*"]}, "rootDir"'),
            "src/main.ts": "import '@/server'",
            "src/server.ts": "app.listen(1)",
        }
    )
    assert values(read_project(root).ports) == ["1"]


NEST = "import { Controller, Get, Post } from '@nestjs/common';\n"


@pytest.mark.parametrize(
    ("files", "routes"),
    [
        ({"a.ts": "@Controller('notes') class A { @Get() all() {} @Get('last') last() {} @Get(':id') one() {} @Post() add() {} }"}, ["/notes", "/notes/last"]),
        ({"a.ts": "@Controller()\nexport class A { @Get('/health') @HttpCode(200) health() {} @Get(['a', 'b']) ab() {} }"}, ["/a", "/b", "/health"]),
        ({"a.ts": "@Controller({ path: 'x' }) class A { @Get('y') y() {} } @Controller('z') class B { @All() z() {} }"}, ["/x/y", "/z"]),
        ({"a.ts": "@Controller('x') class A { @Get() x() {} }", "main.ts": "app.setGlobalPrefix('/api/v1')"}, ["/api/v1/x"]),
        (
            {"a.ts": "@Controller('x') class A { @Get() x() {} } @Controller() class B { @Get('health') h() {} }",
             "main.ts": "app.setGlobalPrefix('api', { exclude: ['health', { path: 'other', method: RequestMethod.GET }] })"},
            ["/api/x", "/health"],
        ),
        ({"a.ts": "@Controller('x') class A { @Get() x() {} }", "main.ts": "app.setGlobalPrefix(config.get('PREFIX'))"}, []),
        (
            {"a.ts": "@Controller({ path: 'x', version: '2' }) class A { @Get() x() {} } @Controller('y') class B { @Get() y() {} }",
             "main.ts": "app.setGlobalPrefix('api'); app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' })"},
            ["/api/v1/y", "/api/v2/x"],
        ),
        ({"a.ts": "@Controller(PREFIX) class A { @Get() x() {} } @Controller(':tenant/x') class B { @Get() y() {} }"}, []),
    ],
)  # fmt: skip
def test_routes_of_decorated_classes(project: Write, files: dict[str, str], routes: list[str]) -> None:
    root = project(
        {
            "package.json": '{"dependencies": {"@nestjs/core": "10"}}',
            **{path: NEST + text for path, text in files.items()},
        }
    )
    assert values(read_project(root).routes) == routes


@pytest.mark.parametrize(
    ("package", "files", "routes"),
    [
        ("next", ["pages/index.js", "pages/about/index.tsx", "pages/posts/[id].js", "pages/_app.js", "pages/404.js", "pages/api/hello.js"], ["/", "/about", "/api/hello"]),
        ("next", ["src/app/page.tsx", "src/app/(shop)/cart/page.jsx", "src/app/@modal/x/page.js", "src/app/[id]/page.js", "src/app/_parts/page.js", "src/app/layout.js"], ["/", "/cart"]),
        ("next", ["app/api/a/route.ts=export async function GET() {}", "app/api/b/route.ts=export const POST = f", "app/api/c/route.js=export { GET }"], ["/api/a", "/api/c"]),
        ("next", ["pages/index.js", "next.config.js=module.exports = { basePath: '/shop' }"], ["/shop"]),
        ("next", ["pages/index.js", "next.config.js=module.exports = { basePath: process.env.BASE }"], []),
        ("@sveltejs/kit", ["src/routes/+page.svelte", "src/routes/(in)/about/+page.svelte", "src/routes/[x]/+page.svelte", "src/routes/health/+server.js=export const GET = () => {}", "src/routes/x/+server.js=export function POST() {}"], ["/", "/about", "/health"]),
        ("nuxt", ["pages/index.vue", "pages/a/[b].vue", "pages/a/index.vue", "server/api/hi.get.ts", "server/api/add.post.ts", "server/routes/health.ts"], ["/", "/a", "/api/hi", "/health"]),
        ("express", ["pages/index.js", "server/api/hi.get.ts"], []),
    ],
)  # fmt: skip
def test_routes_that_are_files(project: Write, package: str, files: list[str], routes: list[str]) -> None:
    written = {path: text for path, _, text in (file.partition("=") for file in files)}
    root = project({"package.json": f'{{"dependencies": {{"{package}": "1"}}}}', **written})
    assert values(read_project(root).routes) == routes
