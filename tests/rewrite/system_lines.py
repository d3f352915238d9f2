"""An Express service whose Dockerfile sets the system up between its build and its start: a clock, a language."""

from pathlib import Path

from rewrite.node_shapes import EXPRESS, FAT, evidence, package, write

from imageopt.rewrite.model import Rewrite
from imageopt.rewrite.propose import propose

BEGIN = "FROM {base}\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\n"
START = 'CMD ["node", "dist/server.js"]\n'


def proposed(root: Path, middle: str, base: str = "node:20") -> Rewrite:
    service = package(prod={"express": "4.19.2"}, dev={"typescript": "5.4.5"}, scripts={"build": "tsc -p ."})
    files = {**service, **EXPRESS, "Dockerfile": BEGIN.format(base=base) + middle + START}
    return propose(evidence(write(root, files)), FAT)


def shipped(rewrite: Rewrite) -> list[str]:
    """The lines of the last stage."""
    assert rewrite.outcome == "proposed", rewrite.refusals
    return rewrite.changes[0].after.decode().rpartition("\nFROM ")[2].splitlines()
