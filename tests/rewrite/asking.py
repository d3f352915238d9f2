"""A project with a Dockerfile, and what is asked for on top of what is proposed for it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent

from msgspec.structs import replace
from rewrite.node_shapes import evidence, write

from imageopt.image.model import Image
from imageopt.rewrite.asked.made import with_asked
from imageopt.rewrite.model import Rewrite

NOTHING = Rewrite("nothing", (), (), (), None, "unknown", ())
DIGEST = f"sha256:{'a' * 64}"


def asked(
    root: Path,
    name: str,
    dockerfile: str,
    files: Mapping[str, str],
    *,
    rewrite: Rewrite = NOTHING,
    image: Image | None = None,
    digest_of: Callable[[str], str | None] = lambda _: None,
    target: str | None = None,
) -> Rewrite:
    """The rewrite with the transformation, or with its refusal."""
    write(root, {**files, "Dockerfile": dedent(dockerfile)})
    return with_asked(rewrite, replace(evidence(root), image=image, target=target), [name], digest_of)


def text_of(rewrite: Rewrite, path: str = "Dockerfile") -> str:
    """A changed file's text."""
    return next(change.after.decode() for change in rewrite.changes if change.path == path)


def reason_of(rewrite: Rewrite) -> str:
    """Why it could not be made; nothing is changed then."""
    assert (rewrite.outcome, rewrite.changes) == ("refused", ())
    return rewrite.refusals[-1].reason
