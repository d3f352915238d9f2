"""One version of a project -> what is measured of it: read, analysed, run, scanned.

Each step is one function on a `Bench`, so that whoever compares versions decides which of them are made, and in which
order; a version without an image is a value that the steps pass on with the reason.
"""

from collections.abc import Sequence
from dataclasses import replace

from imageopt.build.model import BuildFailed, Built
from imageopt.build.snapshot import Snapshot
from imageopt.compare.modules import ModuleGraph
from imageopt.dockerfile import parse
from imageopt.errors import ImageoptError
from imageopt.evidence.join import join
from imageopt.image.model import Image
from imageopt.project.model import Project
from imageopt.project.read import read_project
from imageopt.rules.check import judge
from imageopt.rules.load import load_rules
from imageopt.rules.policy import Policy
from imageopt.source.model import ImageRef
from imageopt.verify.bench import Bench, Version
from imageopt.verify.model import NotDone, RunRecord, ScanRecord, Side
from imageopt.verify.run import Observed, RunPlan, observe
from imageopt.verify.scan import scan_all


def analyse(bench: Bench, name: str, copy: Snapshot, dockerfile: bytes, built: Built | BuildFailed) -> Version:
    """The version with what its image, its Dockerfile and its folder tell; an image that cannot be read is told of."""
    request = bench.request
    # the copy is gone when the result is read
    project = replace(read_project(copy.folder, dockerfile=request.dockerfile), root=request.root)
    image = None
    if isinstance(built, Built):
        try:
            image = read_image(bench, name, ImageRef("docker", built.tag))
        except ImageoptError as error:
            bench.progress.note(f"the image of {name} could not be read: {error.cause}")
    return examined(bench, Version(name, copy, dockerfile, built, None, ()), image, project)


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


def missing(name: str, copy: Snapshot, reason: str) -> Version:
    """A version that there is none of; nothing is built, run or scanned for it."""
    return Version(name, copy, b"", NotDone(reason), None, ())


def run_version(bench: Bench, version: Version, plan: RunPlan) -> Observed | NotDone:
    """What the version's container does."""
    import requests
    from docker.errors import DockerException

    if isinstance(version.image, NotDone):
        return version.image
    if bench.request.skip_run:
        return NotDone("running was switched off")
    image = version.evidence.image if version.evidence is not None else None
    how = " with fewer rights" if plan.hardened else " again" if plan.brief else ""
    with bench.progress.step(f"running {version.name}{how}"):
        try:
            engine = str(bench.client.version().get("Arch", ""))
            if image is not None and engine and image.config.architecture not in ("", engine):
                return NotDone(f"the image is for {image.config.platform}, and the engine runs {engine}")
            name = f"imageopt-{bench.cleanup.run_id}-{version.name}"
            return observe(bench.client, version.image, plan, name, bench.cleanup)
        except ImageoptError as error:
            return NotDone(error.cause)
        except (DockerException, requests.exceptions.RequestException) as error:
            return NotDone(f"the engine broke off: {error}")


def scan_versions(bench: Bench, versions: Sequence[Version]) -> list[ScanRecord | NotDone]:
    """What the scanner finds in the image of each version, all of them scanned at the same time."""
    request = bench.request
    if request.skip_scan:
        return [_not_scanned(version) for version in versions]
    known = [bench.journal.scanned(version.name) for version in versions]
    if not request.sbom and all(known):  # one of them alone may be by another database
        return [record for record in known if record is not None]
    images = [version.image for version in versions if isinstance(version.image, str)]
    listed = request.sbom if isinstance(versions[-1].image, str) else None
    with bench.progress.step(f"scanning {' and '.join(version.name for version in versions)}"):
        found = iter(scan_all(images, trivy=request.trivy, cache=request.trivy_cache, sbom=listed) if images else ())
    records = [version.image if isinstance(version.image, NotDone) else next(found) for version in versions]
    for version, record in zip(versions, records, strict=True):
        if isinstance(record, ScanRecord):
            bench.journal.note_scanned(version.name, record)
    return records


def scan_version(bench: Bench, version: Version) -> ScanRecord | NotDone:
    """What the scanner finds in the version's image."""
    return scan_versions(bench, [version])[0]


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
