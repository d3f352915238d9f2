"""npm scripts, taken apart: which commands a script runs, through how many `npm run` it goes, and what it names.

Only the plain parts of the shell are understood: commands joined by `&&`, `;`, `||`, `|` and `&`. That is enough to
list what is called; nothing here claims to know what a script does.
"""

import re
from collections.abc import Iterator, Mapping

from imageopt.lazy_pattern import lazy_pattern

DEV_RUNNERS = {
    "ts-node": "ts-node", "ts-node-dev": "ts-node-dev", "tsx": "tsx", "nodemon": "nodemon", "tsc": "typescript",
    "vite": "vite", "ng": "@angular/cli", "react-scripts": "react-scripts", "nest": "@nestjs/cli",
    "webpack": "webpack-cli", "webpack-dev-server": "webpack-dev-server", "concurrently": "concurrently",
    "npm-run-all": "npm-run-all", "run-s": "npm-run-all", "run-p": "npm-run-all", "babel-node": "@babel/node",
    "dotenv": "dotenv-cli", "cross-env": "cross-env", "swc-node": "@swc-node/register", "swc": "@swc/cli",
    "rimraf": "rimraf", "next": "next", "nuxt": "nuxt", "pm2-runtime": "pm2", "pm2": "pm2", "serve": "serve",
    "http-server": "http-server", "prisma": "prisma", "knex": "knex", "sequelize": "sequelize-cli",
    "typeorm": "typeorm",
}  # fmt: skip
"""Programs that packages install, and the package each comes with."""

_JOINTS = {"&&", "||", ";", "|", "&", "(", ")"}
_ASSIGNMENT = lazy_pattern(r"[A-Za-z_]\w*=")
_PLAIN = lazy_pattern(r"[\w@%+=:,./ -]*", re.ASCII)  # nothing that is quoted, or joins commands
_RUNNERS = ("npm", "yarn", "pnpm", "bun")
_SHELLS = ("sh", "bash", "dash", "ash", "zsh")
_LINE_FLAG = lazy_pattern(r"-\w*c")
_RUN_SCRIPTS = ("run-s", "run-p", "npm-run-all", "npm-run-all2")
_RUN_LINES = ("concurrently", "conc", "nodemon", "tsc-watch", "start-server-and-test")
_MOST = 200
LONGEST = 20_000  # characters: taking words apart takes the square of that


def commands(script: str) -> tuple[tuple[str, ...], ...] | None:
    """The commands of a shell line as words, in order; None where its quotes do not close or nobody wrote it."""
    if len(script) > LONGEST:
        return None
    try:
        tokens = script.split() if _PLAIN.fullmatch(script) else _tokens(script)
    except ValueError:
        return None
    found: list[list[str]] = [[]]
    for token in tokens:
        if token in _JOINTS:
            found.append([])
        else:
            found[-1].append(token)
    return tuple(tuple(words) for words in found if words)


def is_plain(script: str) -> bool:
    """Whether it is one command without joints, redirections, globs or expansions that need a shell."""
    found = commands(script)
    return found is not None and len(found) == 1 and not re.search(r"[$`<>|&;()*?\[\]{}~#\n]", _unquoted(script))


def split_assignments(words: tuple[str, ...]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    """`A=1 cross-env B=2 node x` -> (A, B) and `node x`."""
    pairs: list[tuple[str, str]] = []
    position = 0
    while position < len(words) and (_ASSIGNMENT.match(words[position]) or words[position] in ("cross-env", "env")):
        name, equals, value = words[position].partition("=")
        if equals:
            pairs.append((name, value))
        position += 1
    return tuple(pairs), words[position:]


def called_script(words: tuple[str, ...]) -> str | None:
    """The npm script that a command runs without arguments (`npm start`, `npm run build`, `yarn build`), or None."""
    name, given = script_call(words) or (None, ())
    return None if given else name


def script_call(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]] | None:
    """The npm script that a command runs, and the arguments that follow its name; None where it runs none."""
    words = tuple(word for word in words if word not in ("--silent", "-s", "--quiet", "--if-present"))
    if len(words) < 2 or words[0] not in _RUNNERS:
        return None
    is_run = words[1] in ("run", "run-script")
    named = words[2:] if is_run else words[1:]
    if not named or named[0].startswith("-"):
        return None
    if words[0] == "npm" and not is_run and named[0] not in ("start", "test", "stop", "restart"):
        return None
    return named[0], named[1:]


def _tokens(script: str) -> list[str]:
    """The words and operators. Raises ValueError where its quotes do not close."""
    import shlex  # most lines are plain

    lexer = shlex.shlex(script, posix=True, punctuation_chars="();<>|&")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def with_arguments(script: str, given: tuple[str, ...]) -> str:
    """The script as it runs with these arguments: they go to its last command."""
    import shlex

    passed = given[1:] if given[:1] == ("--",) else given
    return f"{script} {shlex.join(passed)}" if passed else script


def reachable_commands(line: str, scripts: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    """Every command a shell line runs, the scripts it calls included (with their pre and post scripts), once each."""
    yield from _reachable(line, scripts, set())


def _reachable(line: str, scripts: Mapping[str, str], followed: set[str]) -> Iterator[tuple[str, ...]]:
    for raw in commands(line) or ():
        words = split_assignments(raw)[1]
        words = words[1:] if words[:1] == ("exec",) else words
        name, given = script_call(words) or ("", ())
        if len(followed) > _MOST or name not in scripts:
            behind = tuple(_behind(words, scripts)) if len(followed) <= _MOST else ()
            if words and not (behind and _is_shell(words)):
                yield words
            for inner in behind:
                if inner not in followed:
                    followed.add(inner)
                    yield from _reachable(inner, scripts, followed)
            continue
        for part in (f"pre{name}", name, f"post{name}"):
            if part in scripts and part not in followed:
                followed.add(part)
                script = with_arguments(scripts[part], given) if part == name else scripts[part]
                yield from _reachable(script, scripts, followed)


def _is_shell(words: tuple[str, ...]) -> bool:
    return words[0].rpartition("/")[2] in _SHELLS


def _behind(words: tuple[str, ...], scripts: Mapping[str, str]) -> Iterator[str]:
    """The lines that a command has run in turn: those of a shell, of `concurrently`, of `dotenv --` and their like."""
    program = words[0].rpartition("/")[2] if words else ""
    if program in _SHELLS:
        given = next((place for place, word in enumerate(words[1:], 2) if not word.startswith("-")), 2) - 1
        if given > 1 and _LINE_FLAG.fullmatch(words[given - 1]):
            yield " ".join(words[given:])  # one word, or a list of CMD whose words were joined
    elif program in _RUN_SCRIPTS:
        yield from (f"npm run {word}" for word in words[1:] if word in scripts)
    elif program == "node" and "--run" in words[:-1]:
        yield f"npm run {words[words.index('--run') + 1]}"
    elif program in _RUN_LINES:
        named = (re.sub(r"^npm:", "npm run ", word) for word in words[1:])
        yield from (line for line in named if " " in line)
    elif "--" in words[1:] and program not in _RUNNERS:
        import shlex

        yield shlex.join(words[words.index("--", 1) + 1 :])


def _unquoted(script: str) -> str:
    """The script without its quoted parts; double quotes keep what the shell expands in them."""
    script = re.sub(r"'[^']*'", "", script)
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda match: re.sub(r"[^$`]", "", match[1]), script)
