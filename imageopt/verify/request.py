"""What to verify: the Dockerfile as it stands, what it shall become, and how both are built, run and scanned."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from imageopt.config import Builder, VerifyConfig
from imageopt.evidence.model import Evidence
from imageopt.rewrite.ladder import Candidate
from imageopt.rewrite.model import Rewrite
from imageopt.rules.policy import Policy


class VerifyRequest(Struct, frozen=True):
    """`dockerfile` is relative to `root`; `before` is None where there is none yet: then the new one is
    judged alone. `after` is its new text, or None where `rewrite` holds it.

    `after_ignore` is the new text of the ignore file, None where the project's own stays. `port` and `paths` are asked
    for in both containers; without them they are found in the image and in the source. `settings` is what
    the configuration says besides; its port and paths hold where those are not given. `trivy` is the program,
    `trivy_cache` the folder that holds its database (`<cache>/db`). Timeouts are in seconds. `reference` names the
    result in reports. `images` are the two to judge where they exist already: then nothing is built, `before` and
    `after` are the Dockerfiles they came from, where they are known, and the folder is read if `has_project`.
    `severity` is the one from which on a vulnerability that comes in counts against the rewrite; `sbom` a file to write
    the parts of the new image to, as CycloneDX. `policy` are the rules in force, None for all of ours as they are.
    `rungs` makes every rewrite that could be made from the evidence of the version as it stands: with `thorough`, those
    that differ from `rewrite` in one transformation are built as well, to tell what it saves by itself.
    """

    root: Path
    dockerfile: str
    before: bytes | None
    rewrite: Rewrite | None = None
    after: bytes | None = None
    after_ignore: bytes | None = None
    target: str | None = None
    build_args: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    ssh: tuple[str, ...] = ()
    platform: str | None = None
    port: int | None = None
    paths: tuple[str, ...] = ()
    settings: VerifyConfig = field(default_factory=VerifyConfig)
    trivy: str | None = None
    trivy_cache: Path | None = None
    skip_scan: bool = False
    skip_rebuild: bool = False
    build_timeout: float = 3600
    run_timeout: float = 60
    reference: str = "."
    images: tuple[str, str] | None = None
    has_project: bool = True
    policy: Policy | None = None
    builder: Builder = "auto"
    severity: str = "unknown"
    skip_run: bool = False
    thorough: bool = False
    resume: bool = False
    sbom: Path | None = None
    rungs: Callable[[Evidence], Sequence[Candidate]] | None = None
