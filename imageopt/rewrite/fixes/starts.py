"""The fix that writes a start command as a list, where no shell is needed for it."""

import json
import re

from imageopt.dockerfile.model import Edit
from imageopt.dockerfile.shell import is_posix_shell, run_commands
from imageopt.rewrite.fixes.model import Outcome, Refusal, Site

_FOR_THE_SHELL = re.compile(r"[$`*?\[\]{}~!#\\\n]")
_BUILTINS = frozenset((
    "cd", "export", "set", "source", ".", "eval", "exec", "exit", "ulimit", "umask", "trap", "wait", "command", "read",
    "unset", "alias", "test", "[", ":", "shift", "local", "time",
))  # fmt: skip
_SHELL_OPTIONS = re.compile(r"-[ceuxo]+|pipefail")


def write_list(site: Site) -> Outcome:
    """CMD or ENTRYPOINT as a list of its words, if they say all there is."""
    instruction, state = site.instruction, site.environment
    if state is None or instruction.json is not None or instruction.keyword not in ("CMD", "ENTRYPOINT"):
        return Refusal("it is no start command in shell form")
    if not is_posix_shell(state.shell[0]) or not all(map(_SHELL_OPTIONS.fullmatch, state.shell[1:])):
        return Refusal("its shell is told more than to run the command")
    commands = run_commands(instruction)
    plain = len(commands) == 1 and commands[0].complete and not commands[0].nesting
    if not plain or commands[0].assignments or commands[0].redirects or commands[0].after:
        return Refusal("it needs a shell; an entry script that ends with exec does as well")
    words = commands[0].words
    if any(_FOR_THE_SHELL.search(word.raw) for word in words) or words[0].value in _BUILTINS:
        return Refusal("it needs a shell for its variables or patterns; let an entry script end with exec")
    text = site.dockerfile.text
    if text[commands[0].end : instruction.end].strip() or len(instruction.pieces) > 1:
        return Refusal("it is spread over several lines")
    if instruction.keyword == "ENTRYPOINT" and any(item.keyword == "CMD" for item in site.dockerfile.instructions):
        return Refusal("as a list it would be given CMD as arguments, which it ignores now")
    listed = ", ".join(json.dumps(word.value, ensure_ascii=False) for word in words)
    return (Edit(words[0].start, words[-1].end, f"[{listed}]"),)
