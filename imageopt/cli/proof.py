"""A rewrite proven: the verification of a proposal, shown, and its verdict."""

from pathlib import Path

from imageopt.api import find_project, verify
from imageopt.build.options import BuildOptions
from imageopt.cli.options import Talk
from imageopt.cli.output import emit
from imageopt.config import Config
from imageopt.rewrite.model import Rewrite
from imageopt.verify.request import VerifyRequest


def proven(folder: str, proposed: Rewrite, built: BuildOptions, config: Config, talk: Talk) -> str:
    """The verdict on the proposal, after showing the verification."""
    import time

    from imageopt.report.verification import verification_document

    root, dockerfile, before = find_project(folder, built)
    started = time.monotonic()
    verification = verify(
        VerifyRequest(
            root=built.context or root,
            dockerfile=dockerfile,
            before=before,
            rewrite=proposed,
            target=built.target,
            build_args=built.build_args,
            secrets=built.secrets,
            ssh=built.ssh,
            platform=built.platform,
            port=config.verify.port,
            paths=config.verify.paths,
            reference=Path(folder).resolve().name,
        ),
        progress=talk.progress,
    )
    emit(verification_document(verification, time.monotonic() - started), (), talk.color)
    return verification.verdict
