"""A thousand Dockerfiles, the same each time: what people write for Node, PHP, Python, Go, Java and Debian tools.

`dockerfiles.txt` beside this is a grammar. `%% name` begins an alternative of a symbol, `@name@` stands for one of its
alternatives, `@packages 5 20@` for that many packages, one a line.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

_GRAMMAR = Path(__file__).with_suffix(".txt")
_SYMBOL = re.compile(r"@(\w+)(?: (\d+) (\d+))?@")


def dockerfiles(count: int = 1000, seed: int = 5) -> Iterator[str]:
    """The texts, in an order that the seed decides; 93 lines on average."""
    pieces = re.split(r"^%% (\w+)\n", _GRAMMAR.read_text("utf-8"), flags=re.MULTILINE)[1:]
    grammar: dict[str, list[str]] = {}
    for name, text in zip(pieces[::2], pieces[1::2], strict=True):
        grammar.setdefault(name, []).append(text)
    random = Random(seed)
    for _ in range(count):
        text = _expanded(random, grammar, "@file@", {"name": random.choice(grammar["name"]).strip()})
        yield text.replace("\n", "\r\n") if random.random() < 0.02 else text


def _expanded(random: Random, grammar: dict[str, list[str]], text: str, fixed: dict[str, str]) -> str:
    def replacement(match: re.Match[str]) -> str:
        name, least, most = match.groups()
        if name in fixed:
            return fixed[name]
        if least is not None:
            words = " ".join(grammar[name]).split()
            chosen = sorted(random.sample(words, random.randint(int(least), int(most))))
            return "".join(f" \\\n        {word}" for word in chosen)
        if name == "number":
            return str(random.randint(1, 30))
        # alternatives of one line stand within a line
        alternative = random.choice(grammar[name])
        chosen_text = alternative[:-1] if alternative.count("\n") == 1 else alternative
        return _expanded(random, grammar, chosen_text, fixed)

    return _SYMBOL.sub(replacement, text)
