"""What tools read in their words: each case is a command line and what its tool makes of it."""

import pytest

from imageopt.dockerfile.shell import split
from imageopt.dockerfile.tool_options import PREFIXES, SUBCOMMANDS, TABLES, option_table
from imageopt.dockerfile.tools import Call, call

Options = dict[str, tuple[str, ...]]

CASES: list[tuple[str, str, str, Options, str]] = [
    # what it is, the tool, its subcommand, its options, its operands
    ("apt-get install -y git", "apt-get", "install", {"--yes": ("",)}, "git"),
    ("apt-get -qqy install git", "apt-get", "install", {"--quiet": ("", ""), "--yes": ("",)}, "git"),
    ("apt-get install --assume-yes git", "apt-get", "install", {"--yes": ("",)}, "git"),
    ("apt-get -o Dir::x=y update", "apt-get", "update", {"--option": ("Dir::x=y",)}, ""),
    ("apt-get -oDir::x=y -o=A=b update", "apt-get", "update", {"--option": ("Dir::x=y", "A=b")}, ""),
    ("apt-get install -t sid git", "apt-get", "install", {"--target-release": ("sid",)}, "git"),
    ("apt-get install -y -- -odd", "apt-get", "install", {"--yes": ("",)}, "-odd"),
    ("apt-get install -q=2 git", "apt-get", "install", {"--quiet": ("2",)}, "git"),
    ("apk add --no-cache -t .deps gcc", "apk", "add", {"--no-cache": ("",), "--virtual": (".deps",)}, "gcc"),
    ("apk --no-cache --virtual=.deps add gcc", "apk", "add", {"--no-cache": ("",), "--virtual": (".deps",)}, "gcc"),
    ("apk add -X http://a/b -U gcc", "apk", "add", {"--repository": ("http://a/b",), "--update-cache": ("",)}, "gcc"),
    ("dnf --enablerepo crb install -y gcc", "dnf", "install", {"--enablerepo": ("crb",), "--assumeyes": ("",)}, "gcc"),
    ("dnf5 in gcc", "dnf", "install", {}, "gcc"),
    ("microdnf --setopt=x=1 update", "microdnf", "upgrade", {"--setopt": ("x=1",)}, ""),
    ("yum clean all", "yum", "clean", {}, "all"),
    ("zypper -n in -y gcc", "zypper", "install", {"--non-interactive": ("",), "--no-confirm": ("",)}, "gcc"),
    ("npm install --registry http://a/b", "npm", "install", {"--registry": ("http://a/b",)}, ""),
    ("npm --loglevel verbose i left-pad", "npm", "install", {"--loglevel": ("verbose",)}, "left-pad"),
    ("npm install /app", "npm", "install", {}, "/app"),
    ("npm run install", "npm", "run", {}, "install"),
    ("npm run-script build -- --prod", "npm", "run", {}, "build --prod"),
    ("npm install --production true", "npm", "install", {"--production": ("true",)}, ""),
    ("npm install -production", "npm", "install", {"--production": ("",)}, ""),
    ("npm install --registry --force", "npm", "install", {"--registry": ("",), "--force": ("",)}, ""),
    ("npm i -gf pnpm@9", "npm", "install", {"--global": ("",), "--force": ("",)}, "pnpm@9"),
    ("npm ci --omit dev -w web", "npm", "ci", {"--omit": ("dev",), "--workspace": ("web",)}, ""),
    ("npm --prefix web clean-install", "npm", "ci", {"--prefix": ("web",)}, ""),
    ("npm", "npm", "", {}, ""),
    ("pnpm -F web i --prod", "pnpm", "install", {"--filter": ("web",), "--save-prod": ("",)}, ""),
    ("yarn", "yarn", "install", {}, ""),
    ("yarn --version", "yarn", "", {"--version": ("",)}, ""),
    ("yarn --cwd web --frozen-lockfile", "yarn", "install", {"--cwd": ("web",), "--frozen-lockfile": ("",)}, ""),
    ("yarn global add serve", "yarn", "global", {}, "add serve"),
    ("yarnpkg add -D vite", "yarn", "add", {"--dev": ("",)}, "vite"),
    ("bun i -p --backend hardlink", "bun", "install", {"--production": ("",), "--backend": ("hardlink",)}, ""),
    ("composer i -no -d /app", "composer", "install",
     {"--no-interaction": ("",), "--optimize-autoloader": ("",), "--working-dir": ("/app",)}, ""),
    ("php -d memory_limit=-1 /usr/bin/composer require a/b", "composer", "require", {}, "a/b"),
    ("php composer.phar install", "composer", "install", {}, ""),
    ("pip install -r req.txt --no-cache-dir", "pip", "install",
     {"--requirement": ("req.txt",), "--no-cache-dir": ("",)}, ""),
    ("pip3.12 install -U pip", "pip", "install", {"--upgrade": ("",)}, "pip"),
    ("python3 -m pip install wheel", "pip", "install", {}, "wheel"),
    ("pecl install -D 'a=b' xdebug", "pecl", "install", {"--configureoptions": ("a=b",)}, "xdebug"),
    ("docker-php-ext-install -j$(nproc) gd zip", "docker-php-ext-install", "", {"--jobs": ("$(nproc)",)}, "gd zip"),
    ("docker-php-ext-install -j 4 gd", "docker-php-ext-install", "", {"--jobs": ("4",)}, "gd"),
    ("docker-php-ext-configure gd --with-jpeg=/usr", "docker-php-ext-configure", "", {"--with-jpeg": ("/usr",)}, "gd"),
    ("docker-php-ext-enable --ini-name 0.ini gd", "docker-php-ext-enable", "", {"--ini-name": ("0.ini",)}, "gd"),
    ("git -C /src clone --depth 1 -b main u d", "git", "clone",
     {"-C": ("/src",), "--depth": ("1",), "--branch": ("main",)}, "u d"),
    ("curl -fsSLo /f http://a", "curl", "",
     {"--fail": ("",), "--silent": ("",), "--show-error": ("",), "--location": ("",), "--output": ("/f",)}, "http://a"),
    ("curl -H 'A: b' http://a -k", "curl", "", {"--header": ("A: b",), "--insecure": ("",)}, "http://a"),
    ("wget -qO- http://a", "wget", "", {"--quiet": ("",), "--output-document": ("-",)}, "http://a"),
    ("tar xzf a.tgz -C /opt", "tar", "",
     {"--extract": ("",), "--gzip": ("",), "--file": ("a.tgz",), "--directory": ("/opt",)}, ""),
    ("tar xfC a.tar /opt b", "tar", "", {"--extract": ("",), "--file": ("a.tar",), "--directory": ("/opt",)}, "b"),
    ("tar -xf a.tar --strip-components 1", "tar", "",
     {"--extract": ("",), "--file": ("a.tar",), "--strip-components": ("1",)}, ""),
    ("tar -xz", "tar", "", {"--extract": ("",), "--gzip": ("",)}, ""),
    ("rm -rf /a '/b c'", "rm", "", {"--recursive": ("",), "--force": ("",)}, "/a /b c"),
    ("rm -- -x", "rm", "", {}, "-x"),
    ("chown -R node:node /app", "chown", "", {"--recursive": ("",)}, "node:node /app"),
    ("chmod -x /a", "chmod", "", {}, "-x /a"),
    ("chmod -R u+x,g-w /a", "chmod", "", {"--recursive": ("",)}, "u+x,g-w /a"),
    ("useradd -lu 5000000 -s /bin/sh app", "useradd", "",
     {"--no-log-init": ("",), "--uid": ("5000000",), "--shell": ("/bin/sh",)}, "app"),
    ("adduser -S -D -H -G app app", "adduser", "",
     {"--system": ("",), "--disabled-password": ("",), "--no-create-home": ("",), "--ingroup": ("app",)}, "app"),
    ("adduser --disabled-password --gecos '' app", "adduser", "",
     {"--disabled-password": ("",), "--gecos": ("",)}, "app"),
    ("addgroup -g 1000 app", "addgroup", "", {"--gid": ("1000",)}, "app"),
    ("groupadd --gid=7 -f app", "groupadd", "", {"--gid": ("7",), "--force": ("",)}, "app"),
]  # fmt: skip


def read(script: str) -> Call | None:
    return call(split(script)[0])


@pytest.mark.parametrize(("script", "tool", "subcommand", "options", "operands"), CASES, ids=[c[0] for c in CASES])
def test_a_call(script: str, tool: str, subcommand: str, options: Options, operands: str) -> None:
    found = read(script)
    assert found is not None
    assert (found.tool, found.subcommand) == (tool, subcommand)
    assert dict(found.options) == options
    assert " ".join(word.value for word in found.operands) == operands


@pytest.mark.parametrize(
    ("script", "prefixes"),
    [
        ("sudo apt-get update", ("sudo",)),
        ("sudo -E -u root apt-get update", ("sudo",)),
        ("sudo A=b apt-get update", ("sudo",)),
        ("env DEBIAN_FRONTEND=noninteractive apt-get update", ("env",)),
        ("sudo env -u X A=b C=d apt-get update", ("sudo", "env")),
        ("/usr/bin/time -p apt-get update", ("time",)),
        ("timeout -k 5 60 apt-get update", ("timeout",)),
        ("exec /usr/bin/apt-get update", ("exec",)),
        ("nice -n 10 apt-get update", ("nice",)),
        ("A=b apt-get update", ()),
    ],
)
def test_what_runs_another_program_is_seen_through(script: str, prefixes: tuple[str, ...]) -> None:
    found = read(script)
    assert found is not None
    assert (found.tool, found.subcommand, found.prefixes) == ("apt-get", "update", prefixes)
    assert found.name.value.endswith("apt-get")


def test_corepack_runs_a_package_manager() -> None:
    found = read("corepack pnpm install --frozen-lockfile")
    assert found is not None
    assert (found.tool, found.subcommand, found.prefixes) == ("pnpm", "install", ("corepack",))
    assert read("corepack enable") is None


@pytest.mark.parametrize(
    "script",
    [
        "make install",
        "A=b",
        "sudo",
        "env",
        "php artisan x",
        "php",
        "php -d a=b",
        "python -m venv x",
        "python -m",
        "exec",
    ],
)
def test_other_programs_are_no_call(script: str) -> None:
    assert read(script) is None


def test_the_words_to_point_at() -> None:
    script = "sudo npm --prefix web install"
    found = read(script)
    assert found is not None
    assert found.verb is not None
    assert script[found.name.start : found.name.end] == "npm"
    assert script[found.verb.start :] == "install"
    assert found.has("--prefix")
    assert not found.has("--global", "-g")


@pytest.mark.parametrize("tool", sorted(TABLES))
def test_no_spelling_stands_twice_in_a_table(tool: str) -> None:
    spellings = [name for entry in TABLES[tool].split() for name in entry.rstrip("=?").split("|")]
    assert sorted(name for name in set(spellings) if spellings.count(name) > 1) == []
    assert all(name.startswith("-") for name in option_table(tool).names)


def test_every_tool_of_the_other_tables_has_options() -> None:
    assert set(SUBCOMMANDS) <= set(TABLES)
    assert set(TABLES) >= PREFIXES
