"""A copy of a project -> its image, built cold, from the cache, or again after a change.

Only a cold build and one after a change have a time: what any other took is chance.
"""

import contextlib
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from imageopt.build.build import build
from imageopt.build.model import BuildFailed, BuildRequest, Built, Given
from imageopt.build.snapshot import MANIFESTS, Snapshot
from imageopt.dockerfile import parse
from imageopt.project.model import Project
from imageopt.verify.bench import Bench, Version
from imageopt.verify.model import NotDone


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


def _layers(bench: Bench, built: Built) -> tuple[str, ...]:
    from docker.errors import DockerException

    try:
        return tuple(bench.client.images.get(built.tag).attrs["RootFS"]["Layers"])
    except (DockerException, KeyError):
        return ()  # nothing will be equal to it
