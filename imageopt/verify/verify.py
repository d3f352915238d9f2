"""The whole proof: both versions built cold, read, run, scanned, built again after a change, compared, judged.

The order is fixed, and a side that fails does not keep the other from being looked at. Whatever is started is
registered for removal first; what stays behind is the engine's build cache.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from imageopt.build.buildx import build
from imageopt.build.cleaning import CleanUp, cleaning, new_run_id
from imageopt.build.model import BuildFailed, BuildRequest, Built
from imageopt.build.snapshot import Snapshot
from imageopt.errors import ImageoptError
from imageopt.evidence.model import Evidence
from imageopt.progress import Progress
from imageopt.project.model import Project
from imageopt.rules.model import Finding
from imageopt.source.engine import connect
from imageopt.verify.cleanup import remove_labelled
from imageopt.verify.comparison import compare_sides
from imageopt.verify.model import NotDone, RunRecord, ScanRecord, Side, Verification
from imageopt.verify.plan import plan_run
from imageopt.verify.request import VerifyRequest
from imageopt.verify.run import Observed, RunPlan, finish, observe
from imageopt.verify.scan import scan
from imageopt.verify.verdict import decide
from imageopt.verify.workspace import file_to_change, workspace

if TYPE_CHECKING:
    import docker

_NOT_BUILT = "it was not built"


@dataclass(frozen=True, slots=True)
class _Bench:
    """What every step of one verification needs."""

    request: VerifyRequest
    client: "docker.DockerClient"
    cleanup: CleanUp
    progress: Progress


@dataclass(frozen=True, slots=True)
class _Version:
    """One of the two versions while it is worked on; `name` is `before` or `after`."""

    name: str
    copy: Snapshot
    dockerfile: bytes
    build: Built | BuildFailed
    evidence: Evidence | None
    findings: tuple[Finding, ...]


def verify(request: VerifyRequest, *, progress: Progress) -> Verification:
    """The proof and its verdict. Raises ToolMissing or ToolFailed without an engine, UsageError without a proposal.

    Ctrl-C and SIGTERM raise KeyboardInterrupt after everything that was started is gone.
    """
    client = connect()
    run_id = new_run_id()
    with cleaning(run_id) as cleanup:
        cleanup.add(client.close)
        cleanup.add(lambda: remove_labelled(client, lambda label: label == run_id))
        bench = _Bench(request, client, cleanup, progress)
        with workspace(request) as work:
            # both are built before either is read: one failure must not hide the other
            built = [
                (name, copy, text, _build(bench, name, copy, cold=True))
                for name, copy, text in (
                    ("before", work.before, work.before_dockerfile),
                    ("after", work.after, work.after_dockerfile),
                )
            ]
            versions = [_analyse(bench, *one) for one in built]
            runs = _run_both(bench, versions)
            scans = [_scan(bench, version) for version in versions]
            rebuilds = [
                _rebuild(bench, version, lambda project: file_to_change(work, request.dockerfile, project))
                for version in versions
            ]
    before, after = (
        Side(
            dockerfile=version.dockerfile.decode("utf-8", "replace"),
            build=version.build,
            rebuild=rebuilds[index],
            evidence=version.evidence,
            findings=version.findings,
            run=runs[index],
            scan=scans[index],
        )
        for index, version in enumerate(versions)
    )
    return judge(request, before, after)


def judge(request: VerifyRequest, before: Side, after: Side) -> Verification:
    """The verification of two sides that were measured."""
    comparison, not_checked = compare_sides(before, after)
    verdict, reasons = decide(before, after, comparison)
    unpacked = comparison.sizes.get("unpacked_bytes")
    return Verification(
        reference=request.reference,
        before=before,
        after=after,
        rewrite=request.rewrite,
        comparison=comparison,
        predicted_bytes=request.rewrite.predicted_bytes if request.rewrite is not None else None,
        measured_bytes=unpacked.saved if unpacked is not None else None,
        verdict=verdict,
        reasons=reasons,
        not_checked=not_checked,
    )


def _build(bench: _Bench, name: str, copy: Snapshot, *, cold: bool) -> Built | BuildFailed:
    request = bench.request
    tag = f"imageopt-verify:{bench.cleanup.run_id}-{name}{'' if cold else '-rebuild'}"
    with bench.progress.step(f"building {name}" if cold else f"building {name} again after a change"):
        return build(
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
            ),
            progress=bench.progress,
            timeout=request.build_timeout,
        )


def _analyse(bench: _Bench, name: str, copy: Snapshot, dockerfile: bytes, built: Built | BuildFailed) -> _Version:
    from imageopt.dockerfile import parse
    from imageopt.evidence.join import join
    from imageopt.image.cache import user_cache
    from imageopt.image.load import load_image
    from imageopt.project.read import read_project
    from imageopt.rules.check import check
    from imageopt.rules.load import load_rules
    from imageopt.source.model import ImageRef

    request = bench.request
    # the copy is gone when the result is read
    project = replace(read_project(copy.folder, dockerfile=request.dockerfile), root=request.root)
    image = None
    if isinstance(built, Built):
        with bench.progress.step(f"reading the image of {name}"):
            try:
                image = load_image(ImageRef("docker", built.tag), cache=user_cache())
            except ImageoptError as error:
                bench.progress.note(f"the image of {name} could not be read: {error.cause}")
    evidence = join(
        image,
        parse(dockerfile),
        project,
        dockerfile_path=request.dockerfile,
        target=request.target,
        build_args=request.build_args,
    )
    return _Version(name, copy, dockerfile, built, evidence, check(evidence, load_rules()))


def _run_both(bench: _Bench, versions: list[_Version]) -> tuple[RunRecord | NotDone, RunRecord | NotDone]:
    plan = plan_run(bench.request, [version.evidence for version in versions])
    before = _run(bench, versions[0], plan)
    if isinstance(before, Observed):  # what its pages name is part of what it does
        plan = replace(plan, paths=(*plan.paths, *before.linked), links=0)
    after = _run(bench, versions[1], plan)
    if isinstance(before, Observed) and isinstance(after, Observed):
        return finish(before, after)
    return _alone(before), _alone(after)


def _alone(seen: Observed | NotDone) -> RunRecord | NotDone:
    return finish(seen, seen)[0] if isinstance(seen, Observed) else seen


def _run(bench: _Bench, version: _Version, plan: RunPlan) -> Observed | NotDone:
    import requests
    from docker.errors import DockerException

    if not isinstance(version.build, Built):
        return NotDone(_NOT_BUILT)
    image = version.evidence.image if version.evidence is not None else None
    with bench.progress.step(f"running {version.name}"):
        try:
            engine = str(bench.client.version().get("Arch", ""))
            if image is not None and engine and image.config.architecture not in ("", engine):
                return NotDone(f"the image is for {image.config.platform}, and the engine runs {engine}")
            name = f"imageopt-{bench.cleanup.run_id}-{version.name}"
            return observe(bench.client, version.build.tag, plan, name, bench.cleanup)
        except ImageoptError as error:
            return NotDone(error.cause)
        except (DockerException, requests.exceptions.RequestException) as error:
            return NotDone(f"the engine broke off: {error}")


def _scan(bench: _Bench, version: _Version) -> ScanRecord | NotDone:
    request = bench.request
    if not isinstance(version.build, Built):
        return NotDone(_NOT_BUILT)
    if request.skip_scan:
        return NotDone("scanning was switched off")
    with bench.progress.step(f"scanning {version.name}"):
        return scan(version.build.tag, trivy=request.trivy, cache=request.trivy_cache)


def _rebuild(
    bench: _Bench, version: _Version, choose: Callable[[Project], str | None]
) -> Built | BuildFailed | NotDone:
    if not isinstance(version.build, Built):
        return NotDone(_NOT_BUILT)
    if bench.request.skip_rebuild:
        return NotDone("rebuilding was switched off")
    project = version.evidence.project if version.evidence is not None else None
    changed = choose(project) if project is not None else None
    if changed is None:
        return NotDone("no source file was found that both builds use")
    version.copy.change_one_file(changed, bench.cleanup.run_id)
    return _build(bench, version.name, version.copy, cold=False)
