"""One version of a project -> what is measured of it: read, analysed, run, scanned.

Each step is one function on a `Bench`, so that whoever compares versions decides which of them are made, and in which
order; a version without an image is a value that the steps pass on with the reason.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from msgspec.structs import replace

from imageopt.build.model import BuildFailed, Built
from imageopt.compare.modules import ModuleGraph
from imageopt.dockerfile import parse
from imageopt.errors import ImageoptError
from imageopt.evidence.join import join
from imageopt.image.model import Image
from imageopt.process import beside
from imageopt.project.model import Project
from imageopt.project.read import read_project
from imageopt.rules.check import judge
from imageopt.rules.load import load_rules
from imageopt.rules.policy import Policy
from imageopt.source.model import ImageRef
from imageopt.source.unreachable import short
from imageopt.verify.bench import Bench, Version, see_that_it_answers
from imageopt.verify.model import NotDone, RunRecord, ScanRecord, Side
from imageopt.verify.run import Observed, RunPlan, observe
from imageopt.verify.scan import scan_all

_MOST_STARTS = 8  # of both versions, for each of which the scanner stands still


def analyse(bench: Bench, version: Version) -> Version:
    """The version with what its image, its Dockerfile and its folder tell; an image that cannot be read is told of."""
    request = bench.request
    if version.copy is None or isinstance(version.build, NotDone):
        return version
    # the copy is gone when the result is read
    project = replace(read_project(version.copy.folder, dockerfile=request.dockerfile), root=request.root)
    image = None
    if isinstance(version.build, Built):
        try:
            image = read_image(bench, version.name, ImageRef("docker", version.build.tag))
        except ImageoptError as error:
            see_that_it_answers(bench.client)
            bench.progress.note(f"the image of {version.name} could not be read: {error.cause}")
    return examined(bench, version, image, project)


def read_image(bench: Bench, name: str, reference: ImageRef) -> Image:
    """The image of the version that is called `name`. Raises what reading an image raises."""
    from imageopt.image.cache import user_cache
    from imageopt.image.load import load_image

    with bench.progress.step(f"reading the image of {name}"):
        return load_image(reference, platform=bench.request.platform, cache=user_cache())


def examined(bench: Bench, version: Version, image: Image | None, project: Project | None) -> Version:
    """The version with its evidence, and the findings by the rules that are in force."""
    request = bench.request
    evidence = join(
        image,
        parse(version.dockerfile) if version.dockerfile else None,
        project,
        dockerfile_path=request.dockerfile,
        target=request.target,
        build_args=request.build_args,
    )
    policy = request.policy or Policy(load_rules(examples=False))
    return replace(version, evidence=evidence, findings=judge(evidence, policy.rules, waivers=policy.waivers).findings)


def run_version(bench: Bench, version: Version, plan: RunPlan) -> Observed | NotDone:
    """What the version's container does."""
    import requests
    from docker.errors import DockerException

    if isinstance(version.image, NotDone):
        return version.image
    if bench.request.skip_run:
        return NotDone("running was switched off")
    image = version.evidence.image if version.evidence is not None else None
    how = f" as {plan.user}" if plan.user else " with fewer rights" if plan.hardened else " again" if plan.brief else ""
    with bench.progress.step(f"running {version.name}{how}"):
        try:
            engine = str(bench.client.version().get("Arch", ""))
            if image is not None and engine and image.config.architecture not in ("", engine):
                return NotDone(f"the image is for {image.config.platform}, and the engine runs {engine}")
            name = f"imageopt-{bench.cleanup.run_id}-{version.name}"
            return observe(bench.client, version.image, plan, name, bench.cleanup)
        except (ImageoptError, DockerException, requests.exceptions.RequestException) as error:
            see_that_it_answers(bench.client)
            said = error.cause if isinstance(error, ImageoptError) else f"the engine broke off: {short(error)}"
            return NotDone(said)


@contextlib.contextmanager
def scanning(bench: Bench, versions: Sequence[Version]) -> Iterator[Callable[[], list[ScanRecord | NotDone]]]:
    """Scans all of them, at the same time and while the block runs; what the block gets waits for what was found."""
    with beside(lambda: _scan(bench, versions)) as found:

        def wait() -> list[ScanRecord | NotDone]:
            if bench.request.skip_scan:
                return found()
            with bench.progress.step(f"scanning {' and '.join(version.name for version in versions)}"):
                return found()

        yield wait


def _scan(bench: Bench, versions: Sequence[Version]) -> list[ScanRecord | NotDone]:
    request = bench.request
    if request.skip_scan:
        return [_not_scanned(version) for version in versions]
    known = [bench.journal.scanned(version.name) for version in versions]
    if not request.sbom and all(known):  # one of them alone may be by another database
        return [record for record in known if record is not None]
    images = [version.image for version in versions if isinstance(version.image, str)]
    listed = request.sbom if isinstance(versions[-1].image, str) else None
    found = iter(
        scan_all(
            images,
            trivy=request.trivy,
            cache=request.trivy_cache,
            sbom=listed,
            pauses=_MOST_STARTS * request.run_timeout,
        )
        if images
        else ()
    )
    records = [version.image if isinstance(version.image, NotDone) else next(found) for version in versions]
    if any(isinstance(record, NotDone) for record in records):
        see_that_it_answers(bench.client)
    for version, record in zip(versions, records, strict=True):
        if isinstance(record, ScanRecord):
            bench.journal.note_scanned(version.name, record)
    return records


def _not_scanned(version: Version) -> NotDone:
    return version.image if isinstance(version.image, NotDone) else NotDone("scanning was switched off")


def side(
    version: Version,
    run: RunRecord | NotDone,
    scanned: ScanRecord | NotDone,
    rebuilt: Built | BuildFailed | NotDone,
    modules: ModuleGraph | NotDone | None = None,
    dependencies: Built | BuildFailed | NotDone | None = None,
) -> Side:
    """The version and what was measured of it, as it is compared and reported."""
    return Side(
        dockerfile=version.dockerfile.decode("utf-8", "replace"),
        build=version.build,
        rebuild=rebuilt,
        evidence=version.evidence,
        findings=version.findings,
        run=run,
        scan=scanned,
        modules=modules or NotDone("its modules were not looked at"),
        dependency_rebuild=dependencies or NotDone("it was not timed"),
    )
