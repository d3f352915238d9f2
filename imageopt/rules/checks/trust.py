"""Checks on whom a build trusts: scripts and files from the network, and registries."""

from collections.abc import Iterator, Sequence
from datetime import date

from imageopt.dockerfile.model import Command, Instruction, Stage, Word
from imageopt.dockerfile.pairs import pairs
from imageopt.evidence.model import Evidence
from imageopt.lazy_pattern import lazy_pattern
from imageopt.rules.checks.match import shipped
from imageopt.rules.checks.programs import Program, program
from imageopt.rules.checks.security import runs
from imageopt.rules.finding import stated
from imageopt.rules.model import Finding, Rule

_FETCHERS = frozenset(("curl", "wget", "fetch", "aria2c", "http", "https"))
_SHELLS = frozenset(("sh", "bash", "dash", "ash", "zsh", "ksh"))
_INTERPRETERS = frozenset(("python", "python3", "perl", "ruby", "node", "php"))
_OWN_MACHINE = lazy_pattern(r"\w+://(?:localhost|127\.|\[::1\])")
_TAKE_VALUE = "AbcCdDeEFhHKmoPQrtTuUwxXyYz"  # short options of curl


def piped_to_shell(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """A script that is executed as it comes from the network: `curl … | sh`, `sh -c "$(curl …)"`, `bash <(curl …)`."""
    for instruction, commands in runs(evidence):
        for word in _executed(commands):
            yield stated(evidence, rule, instruction, at=word)


def _executed(commands: Sequence[Command]) -> Iterator[Word]:
    fetching: dict[str, str] = {}  # for each nesting the program whose output the next of the pipe reads
    outer: Command | None = None
    for command in commands:
        runner = program(command)
        if command.operator not in ("|", "|&"):
            fetching.pop(command.nesting, None)
        elif command.nesting in fetching and _reads_script(runner, fetching[command.nesting]):
            yield runner.word
        if command.nesting == "substitution" and outer is not None and command.start < outer.end:
            if runner.name in _FETCHERS and _evaluates(outer):
                yield outer.words[0]
        elif command.words:
            outer = command
        if runner.name in _FETCHERS:
            fetching[command.nesting] = " ".join(word.value for word in runner.arguments)


def _reads_script(runner: Program, fetched: str) -> bool:
    """Whether the program executes what it reads: no script or `-c` among its arguments."""
    words = [word.value for word in runner.arguments]
    if runner.name in _INTERPRETERS:
        # Composer's installer has a rule of its own
        return (not words or words[0] in ("-", "--")) and not (runner.name == "php" and "getcomposer.org" in fetched)
    if runner.name not in _SHELLS:
        return False
    for word in words:
        if word in ("-", "--", "-s", "/dev/stdin"):
            return True
        if not word.startswith(("-", "+")):
            return False
        if not word.startswith("--") and "c" in word:
            return False
        if not word.startswith("--") and "s" in word:
            return True
    return True


def _evaluates(command: Command) -> bool:
    """Whether the command executes the text, or the file, that a substitution among its words gives."""
    runner = program(command)
    words = [word.raw for word in runner.arguments]
    if runner.name in ("eval", "source", "."):
        return True
    if runner.name not in _SHELLS:
        return False
    return any(word.startswith(("<(", '"$(', "$(", "`", '"`')) for word in words)


def tls_check_disabled(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Options, variables and settings that let anybody on the way pose as the server."""
    options: dict[str, list[str]] = rule.parameters.get("options", {})
    settings: dict[str, list[str]] = rule.parameters.get("settings", {})
    variables: dict[str, list[str]] = rule.parameters.get("variables", {})
    if evidence.dockerfile is None:
        return
    text = evidence.dockerfile.text
    variables = {name: values for name, values in variables.items() if name in text}  # hardly ever any
    for _, instruction in shipped(evidence.dockerfile, evidence.target, everything=True) if variables else ():
        for pair in pairs(instruction) if instruction.keyword in ("ARG", "ENV") else ():
            if (pair.value or "").strip("\"'").lower() in variables.get(pair.name, ()):
                yield stated(evidence, rule, instruction, at=pair.word)
    for instruction, commands in runs(evidence):
        for command in commands:
            for word in command.assignments if variables else ():
                name, _, value = word.value.partition("=")
                if value.lower() in variables.get(name, ()):
                    yield stated(evidence, rule, instruction, at=word)
            runner = program(command)
            if runner.name not in options and runner.name not in settings:
                continue
            trusting = _trusting(runner, options.get(runner.name, ()), settings.get(runner.name, ()))
            if trusting is not None:
                yield stated(evidence, rule, instruction, at=trusting)


def _trusting(runner: Program, options: Sequence[str], settings: Sequence[str]) -> Word | None:
    """The word that switches the check off, unless the only address is this machine."""
    values = [word.value for word in runner.arguments]
    at = next((at for at, value in enumerate(values) if any(_is_option(value, option) for option in options)), None)
    if at is None and settings:
        spelled = ((value, " ".join(values[at : at + 2])) for at, value in enumerate(values))
        at = next((at for at, forms in enumerate(spelled) if any(setting in forms for setting in settings)), None)
    addresses = [value for value in values if "://" in value] if at is not None else []
    if at is None or (addresses and all(_OWN_MACHINE.match(address) for address in addresses)):
        return None
    return runner.arguments[at]


def _is_option(word: str, option: str) -> bool:
    """Whether the word is the option, or a row of short ones with it in it (`-fsSLk`)."""
    if word.startswith(option) and word[len(option) : len(option) + 1] in ("", "="):
        return True
    if len(option) != 2 or not word.startswith("-") or word.startswith("--"):
        return False
    before, found, _ = word[1:].partition(option[1])
    return bool(found) and not any(letter in _TAKE_VALUE for letter in before)


def untrusted_registry(evidence: Evidence, rule: Rule, now: date) -> Iterator[Finding]:  # noqa: ARG001
    """Images of registries that are not on the list; a `*` in the list stands for any text within a name."""
    trusted: Sequence[str] = rule.parameters.get("registries", ())
    if evidence.dockerfile is None or not trusted:
        return
    for stage in evidence.dockerfile.stages:
        if stage.parent is None and stage.base is not None and stage.base != "scratch":
            yield from _untrusted(evidence, rule, stage.from_instruction, stage.base, trusted)
        for instruction in stage.instructions:
            reference = instruction.flag("from")
            if reference and evidence.dockerfile.source_stage(instruction) is None and _is_image(stage, reference):
                yield from _untrusted(evidence, rule, instruction, reference, trusted)


def _untrusted(
    evidence: Evidence, rule: Rule, instruction: Instruction, reference: str, trusted: Sequence[str]
) -> Iterator[Finding]:
    registry = _registry(reference)
    if not any(_allows(pattern, registry) for pattern in trusted):
        message = f"{registry} is not among the registries that are trusted."
        spot = next((flag for flag in instruction.flags if flag.name == "from"), None)
        yield stated(evidence, rule, instruction, message=message, at=spot or instruction.words[0])


def _is_image(stage: Stage, reference: str) -> bool:
    """Whether a `--from` that names no stage is an image's name for certain: a context's name has no slash or colon."""
    return "$" not in reference and reference != stage.name and ("/" in reference or ":" in reference)


def _registry(reference: str) -> str:
    head, slash, _ = reference.partition("/")
    return head if slash and ("." in head or ":" in head or head == "localhost") else "docker.io"


def _allows(pattern: str, registry: str) -> bool:
    same = {"index.docker.io": "docker.io", "hub.docker.com": "docker.io"}
    pattern = same.get(pattern, pattern)
    if "*" not in pattern:
        return pattern == registry
    head, _, tail = pattern.partition("*")
    return registry.startswith(head) and registry.endswith(tail.rpartition("*")[2])
