"""A proof from the command line: the request that options and configuration make, run, shown, and its verdict."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imageopt.api import find_project, policy_of, verify
from imageopt.build.options import BuildOptions
from imageopt.cli.options import Talk
from imageopt.cli.output import emit
from imageopt.config import Config
from imageopt.report.verification import verification_document
from imageopt.targets import has_no_dockerfile
from imageopt.verify.request import VerifyRequest

if TYPE_CHECKING:
    from imageopt.verify.best import Search


def prove(
    place: tuple[Path, str, bytes | None],
    built: BuildOptions,
    config: Config,
    talk: Talk,
    formats: tuple[str, ...],
    **more: Any,
) -> str:
    """The verdict on what `more` (fields of VerifyRequest) proposes, after showing the verification.

    `place` is the folder, its Dockerfile's relative path, and the text that is the before, None
    where there is none.
    """
    document = verification(place, built, config, talk, **more)
    emit(document, formats, talk.color)
    return str(document["verdict"])


def verification(
    place: tuple[Path, str, bytes | None], built: BuildOptions, config: Config, talk: Talk, **more: Any
) -> dict[str, Any]:
    """The verification's document; the arguments are those of `prove`."""
    started = time.monotonic()
    made = verify(request_for(place, built, config, **more), progress=talk.progress)
    return verification_document(made, time.monotonic() - started)


def request_for(
    place: tuple[Path, str, bytes | None], built: BuildOptions, config: Config, **more: Any
) -> VerifyRequest:
    """How options and configuration want it built and run; the arguments are those of `prove`."""
    root, dockerfile, before = place
    fields: dict[str, Any] = {
        "target": built.target,
        "build_args": built.build_args,
        "secrets": built.secrets,
        "ssh": built.ssh,
        "platform": built.platform,
        "builder": built.builder,
        "severity": config.verify.severity,
        "port": config.verify.port,
        "paths": config.verify.paths,
        "settings": config.verify,
        "reference": root.resolve().name,
        "policy": policy_of(config, root),
        **{name: value for name, value in more.items() if value or value is False},
    }
    return VerifyRequest(built.context or root, dockerfile, before, **fields)


def searched(search: "Search", seconds: float) -> tuple[dict[str, Any] | None, str]:
    """The document of the best candidate, None where there is none, and the verdict that the search ends with."""
    if search.best is None or search.best.verification is None:
        if search.baseline_broken:
            return None, "baseline-broken"
        return None, "none" if any(one.verification is not None for one in search.tried) else "nothing"
    return verification_document(search.best.verification, seconds), search.best.verification.verdict


def place_for(folder: str, built: BuildOptions) -> tuple[Path, str, bytes | None]:
    """The folder, its Dockerfile's relative path, and the text, None where it is to be the first."""
    return (Path(folder), "Dockerfile", None) if has_no_dockerfile(folder, built) else find_project(folder, built)


def exit_code(verdict: str, negative: int) -> int:
    """What a verdict ends with; `negative` is the code of an answer that is no. A search without a try is no answer."""
    return {"verified": 0, "nothing": 0, "baseline-broken": 3}.get(verdict, negative)
