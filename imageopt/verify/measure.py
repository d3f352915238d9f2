"""One version of a project -> what is measured of it: built, read, analysed, run, scanned, built again.

Each step is one function on a `Bench`, so that whoever compares versions decides which of them are made, and in which
order; a version that is not there, or does not build, is a value that the later steps pass on with the reason.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imageopt.build.build import build
from imageopt.build.builders import cache_folder
from imageopt.build.cleaning import CleanUp, cleaning, new_run_id
from imageopt.build.model import BuildFailed, BuildRequest, Built, Given
from imageopt.build.snapshot import MANIFESTS, Snapshot
from imageopt.build.temporary import remove_tree
from imageopt.compare.modules import ModuleGraph
from imageopt.dockerfile import parse
from imageopt.errors import ImageoptError
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence
from imageopt.image.model import Image
from imageopt.progress import Progress
from imageopt.project.model import Project
from imageopt.project.read import read_project
from imageopt.rules.check import judge
from imageopt.rules.load import load_rules
from imageopt.rules.model import Finding
from imageopt.rules.policy import Policy
from imageopt.source.engine import connect
from imageopt.source.model import ImageRef
from imageopt.verify.cleanup import remove_labelled
from imageopt.verify.journal import Journal, open_journal
from imageopt.verify.model import NotDone, RunRecord, ScanRecord, Side
from imageopt.verify.request import VerifyRequest
from imageopt.verify.run import Observed, RunPlan, observe
from imageopt.verify.scan import scan_all

if TYPE_CHECKING:
    import docker


@dataclass(frozen=True, slots=True)
class Bench:
    """What every step on a version needs. Everything that is started carries the bench's run id."""

    request: VerifyRequest
    client: "docker.DockerClient"
    cleanup: CleanUp
    progress: Progress
    journal: Journal


@dataclass(frozen=True, slots=True)
class Version:
    """A version while it is worked on; `name` is `before`, `after` or that of a candidate. `copy` is None where
    nothing is built.
    """

    name: str
    copy: Snapshot | None
    dockerfile: bytes
    build: Built | BuildFailed | Given | NotDone
    evidence: Evidence | None
    findings: tuple[Finding, ...]

    @property
    def image(self) -> str | NotDone:
        """The name of its image in the engine, or why there is none."""
        match self.build:
            case Built(tag=tag) | Given(tag=tag) if tag:
                return tag
            case Given():
                return NotDone("the image is not in the engine")
            case NotDone():
                return self.build
            case _:
                return NotDone("it was not built")


@contextlib.contextmanager
def open_bench(request: VerifyRequest, progress: Progress) -> Iterator[Bench]:
    """The bench for the length of the block; whatever is started on it is gone afterwards, on Ctrl-C too.

    Raises ToolMissing or ToolFailed without an engine.
    """
    client = connect()
    run_id = new_run_id()
    with cleaning(run_id) as cleanup:
        cleanup.add(client.close)
        cleanup.add(lambda: remove_tree(cache_folder(run_id)))
        cleanup.add(lambda: remove_labelled(client, lambda label: label == run_id))
        yield Bench(request, client, cleanup, progress, open_journal(request, run_id))


def build_version(
    bench: Bench, name: str, copy: Snapshot, *, cold: bool = True, again: bool = False
) -> Built | BuildFailed:
    """The image, or why there is none. `cold`: nothing comes from the builder's cache; `again`: after a change.

    A build that is neither has no time: how much of it came from the cache is chance.
    """
    request = bench.request
    tag = f"imageopt-verify:{bench.cleanup.run_id}-{name}{'-rebuild' if again else ''}"
    with bench.progress.step(f"building {name} again after a change" if again else f"building {name}"):
        built = build(
            BuildRequest(
                context=copy.folder,
                dockerfile=copy.folder / request.dockerfile,
                tag=tag,
                labels=bench.cleanup.labels,
                target=request.target,
                build_args=request.build_args,
                secrets=request.secrets,
                ssh=request.ssh,
                platform=request.platform,
                no_cache=cold,
                cache_namespace=bench.journal.namespace,
                builder=request.builder,
            ),
            progress=bench.progress,
            timeout=request.build_timeout,
        )
    return built if cold or again or isinstance(built, BuildFailed) else replace(built, seconds=None)


def pull_bases(bench: Bench, dockerfiles: Sequence[bytes]) -> None:
    """Fetches the base images that the engine lacks, so that no build is timed with a download.

    One that cannot be had is passed over: the builder will say more about it.
    """
    from docker.errors import APIError, ImageNotFound

    if bench.request.builder not in ("auto", "buildx", "docker"):
        return
    stages = [stage for text in dockerfiles for stage in parse(text).stages]
    bases = {stage.base for stage in stages if stage.base and stage.parent is None and "$" not in stage.base}
    for base in sorted(bases - {"scratch"}):
        try:
            bench.client.images.get(base)
        except ImageNotFound:
            with bench.progress.step(f"pulling {base}"), contextlib.suppress(APIError):
                bench.client.api.pull(base, platform=bench.request.platform)
        except APIError:  # no name that an engine takes
            continue


def build_cold(bench: Bench, name: str, copy: Snapshot) -> Built | BuildFailed:
    """The image of a cold build, noted in the journal; where an earlier run made it, that build's own record."""
    earlier = bench.journal.built(name)
    if earlier is not None:
        again = build_version(bench, name, copy, cold=False)
        if isinstance(again, Built) and _layers(bench, again) == earlier[1]:
            record = replace(earlier[0], image_id=again.image_id, tag=again.tag)
            bench.journal.note_built(name, record, earlier[1])
            return record
    built = build_version(bench, name, copy)
    if isinstance(built, Built):
        bench.journal.note_built(name, built, _layers(bench, built))
    return built


def _layers(bench: Bench, built: Built) -> tuple[str, ...]:
    from docker.errors import DockerException

    try:
        return tuple(bench.client.images.get(built.tag).attrs["RootFS"]["Layers"])
    except (DockerException, KeyError):
        return ()  # nothing will be equal to it


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


def rebuild(bench: Bench, version: Version, choose: Callable[[Project], str | None]) -> Built | BuildFailed | NotDone:
    """The second build, after a change of the file that is chosen."""
    if isinstance(version.build, Given):
        return NotDone("the images were given")
    if isinstance(version.image, NotDone):
        return version.image
    if version.copy is None or bench.request.skip_rebuild:
        return NotDone("rebuilding was switched off")
    project = version.evidence.project if version.evidence is not None else None
    changed = choose(project) if project is not None else None
    if changed is None:
        return NotDone("no source file was found that both builds use")
    version.copy.change_one_file(changed, bench.cleanup.run_id)
    return build_version(bench, version.name, version.copy, cold=False, again=True)


def rebuild_dependencies(bench: Bench, version: Version) -> Built | BuildFailed | NotDone:
    """The third build, after a change of the manifest that installs everything again, and changes nothing of it."""
    if not bench.request.thorough:
        return NotDone("it is only timed with --thorough")
    if isinstance(version.build, Given):
        return NotDone("the images were given")
    if isinstance(version.image, NotDone) or version.copy is None:
        return version.image if isinstance(version.image, NotDone) else NotDone("there is no copy of its project")
    manifest = next((name for name in MANIFESTS if (version.copy.folder / name).is_file()), None)
    if manifest is None:
        return NotDone("no manifest of dependencies was found")
    version.copy.change_manifest(manifest, bench.cleanup.run_id)
    return build_version(bench, version.name, version.copy, cold=False, again=True)


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
