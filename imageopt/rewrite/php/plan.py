"""A PHP project and its Dockerfile -> the values of the template `php`, and the account of what is done and refused.

The base image stays: version, variant and suite decide how PHP behaves. What goes is what was only there to make
packages, assets and extensions.
"""

import posixpath
import re

from msgspec import Struct

from imageopt.dockerfile.model import Dockerfile, Stage
from imageopt.evidence.model import Evidence
from imageopt.project.files import exists, is_folder, top_names
from imageopt.project.model import Project
from imageopt.rewrite.builders import Builders, builders, without_cache
from imageopt.rewrite.ground import Account, Plan, commented, spaced
from imageopt.rewrite.locked import lock_obstacle
from imageopt.rewrite.managers import Manager, manager, manifest_names
from imageopt.rewrite.php import hazards
from imageopt.rewrite.php.assets import asset_outputs, asset_stage, host_outputs, node_image
from imageopt.rewrite.php.base import PhpImage, php_image
from imageopt.rewrite.php.composer import (
    autoload_run,
    brought,
    install_run,
    manifests,
    mount,
    path_folders,
    vendor_tools,
)
from imageopt.rewrite.php.ownership import Ownership, ownership
from imageopt.rewrite.php.packages import named, role
from imageopt.rewrite.php.stages import Lines, Moves, lines_of
from imageopt.rewrite.php.survey import Part, PhpSurvey, Place, php_survey
from imageopt.rewrite.render import copy, with_flags, word
from imageopt.rewrite.surveyed import within

_NAMES = (("base", "runtime"), ("vendor", "packages"), ("assets", "front-end"))
_NOT_LAST = ("RUN", "COPY", "ADD")


class _Case(Struct, frozen=True):
    """What is known of the project before anything is decided."""

    evidence: Evidence
    project: Project
    tree: Dockerfile
    stage: Stage
    image: PhpImage
    found: PhpSurvey
    programs: frozenset[str]
    names: tuple[str, str, str]  # of the stages: base, packages, assets
    builds_with: Builders

    @property
    def composer(self) -> str:
        """The mount that brings Composer to the last stage; empty where the builder knows none."""
        return mount(self.names[1]) if self.builds_with.mounts else ""

    @property
    def caches(self) -> str:
        """What becomes of downloads."""
        if not self.builds_with.mounts:
            return without_cache(self.builds_with)
        return "downloads are mounted while packages are installed, and are in no layer"


def php_plan(evidence: Evidence, project: Project, tree: Dockerfile) -> Plan | str | None:
    """The plan; a reason where nothing can move; None for another image than the official one of PHP.

    Raises Unsafe for a value without a safe spelling.
    """
    stage = tree.stages[-1]
    image = php_image(stage.from_instruction.words[0].raw, stage.base)
    if image is None:
        return None
    found = php_survey(tree, stage, image, project.package_manager or "npm")
    if found.folder in ("", "/"):
        return "nothing of the project is copied to a folder of its own"
    taken = (stage.name or "").lower()
    names = tuple(next(name for name in pair if name != taken) for pair in _NAMES)
    case = _Case(
        evidence, project, tree, stage, image, found, hazards.programs_at_run_time(project, found),
        (names[0], names[1], names[2]), builders(project, evidence.dockerfile_path),
    )  # fmt: skip
    account = Account()
    parts = _parts(case, account)
    owned = ownership(project.php, found, image, account, anywhere=hazards.writes_anywhere(project.root))
    if not parts and not account.done:
        return "; ".join(refusal.reason for refusal in account.refusals) or "nothing of it can move to another stage"
    return _plan(case, parts, owned, account)


def _parts(case: _Case, account: Account) -> frozenset[Part]:
    """What moves; what does not is refused with the reason."""
    parts: set[Part] = set()
    for part, name, (present, reason) in (
        ("packages", "composer-stage", _packages(case)),
        ("assets", "asset-stage", _assets(case)),
        ("extensions", "extension-build", _extensions(case)),
    ):
        if present and reason:
            account.refuse(name, reason)
        elif present:
            parts.add(part)  # type: ignore[arg-type]
    if not case.image.is_alpine:
        alpine = "on musl, iconv and locales behave in other ways, so alpine is for its team to try"
        account.refuse("base-swap", f"{case.image.written} stays: {alpine}")
    return frozenset(parts)


def _packages(case: _Case) -> tuple[bool, str]:
    php, found = case.project.php, case.found
    if found.install is None:
        return False, ""
    if php is None:
        return True, "there is no composer.json that can be read"
    if php.lock == "missing":
        return True, "there is no composer.lock: run `composer update --no-install` and commit it"
    return True, found.objections.get("packages", "")


def _assets(case: _Case) -> tuple[bool, str]:
    found, project = case.found, case.project
    packages = [
        name for place in found.places for each in place.commands if each.purpose == "system" for name in named(each)
    ]
    uses = any(command.purpose.startswith("node-") for place in found.places for command in place.commands)
    if not uses and not any(role(name, ()) == "node" and name in ("nodejs", "npm", "yarn") for name in packages):
        return False, ""
    reason = found.objections.get("assets") or hazards.node_at_run_time(project, found, case.programs)
    if reason:
        return True, reason
    if not any(place.has("node-build") for place in found.places):
        return True, "Node is there, and no RUN builds anything with it"
    tool = manager(project)
    reason = tool if isinstance(tool, str) else lock_obstacle(project)
    reason = reason or hazards.assets_need(project, project.php)[1]
    if reason:
        return True, reason
    if not asset_outputs(project):
        return True, "where the build of the assets writes is not known"
    if node_image(case.evidence, found, case.image) is None:
        return True, "nothing tells which Node it is that the Dockerfile installs"
    return True, ""


def _extensions(case: _Case) -> tuple[bool, str]:
    commands = [command for place in case.found.places for command in place.commands]
    if not any(command.purpose == "extension" for command in commands):
        return False, ""
    packages = [name for command in commands if command.purpose == "system" for name in named(command)]
    if not any(role(name, case.programs) == "builds" for name in packages):
        return False, ""
    if case.image.is_alpine:
        return True, "imageopt cannot tell which libraries of alpine the extensions need"
    return True, case.found.objections.get("extensions", "")


def _plan(case: _Case, parts: frozenset[Part], owned: Ownership, account: Account) -> Plan:
    project, found = case.project, case.found

    def text(place: Place, other: str | None) -> str:
        if other is None and place.copies == "sources" and owned.flag and within(place.target, found.folder):
            other = _with_owner(case.tree, place, owned)
        return spaced(case.tree, place.instruction, other)

    made = lines_of(found, Moves(parts, case.programs, bool(owned.owner), case.composer), text)
    rest = list(made.rest)
    insertions: list[tuple[int, list[str]]] = []
    vendor: dict[str, object] = {}
    assets: dict[str, object] = {}
    outputs: tuple[str, ...] = ()
    bring = ""
    if "packages" in parts:
        vendor, lines, bring = _vendor(case, made, owned, account)
        insertions.append((made.packages_at or 0, lines))
        if not case.composer:
            insertions.append((0, [brought(case.names[1])]))
            account.notes.append("Composer's own file stays in the image, for the pipeline's builder mounts nothing")
    if "assets" in parts:
        tool = manager(project)
        assert isinstance(tool, Manager)
        image = node_image(case.evidence, found, case.image) or ""
        needs_vendor = hazards.assets_need(project, project.php)[0] and bool(vendor)
        assets = asset_stage(
            project,
            tool,
            found,
            made,
            image,
            case.names[2],
            bring if needs_vendor else "",
            mounts=case.builds_with.mounts,
        )
        outputs = asset_outputs(project)
        copies = [_from(case, case.names[2], output, made.assets_at or 0, rest, owned) for output in outputs]
        insertions.append((made.assets_at or 0, copies))
        _explain_assets(account, tool, image, outputs, project, case.caches)
    if (
        owned.everything
        and made.owner_at is not None
        and any(place.instruction.keyword == "RUN" for _, place in rest[: made.owner_at])
    ):
        insertions.append((made.owner_at, [f"RUN {_give_rest(found.folder, owned)}"]))
    if "extensions" in parts:
        account.done["extension-build"] = (
            f"the RUN that needs {', '.join(dict.fromkeys(made.build_packages))} removes what it installed;"
            " the libraries that the extensions load stay"
        )
    finished = _with_folders(_joined(rest, insertions), owned)
    if "packages" in parts or "assets" in parts:
        account.done["multi-stage"] = "what makes packages and assets stays in stages of its own"
    values: dict[str, object] = {
        "header": case.tree.text[: case.stage.from_instruction.start].replace("\r\n", "\n"),
        "platform": f"--platform={word(case.stage.platform)} " if case.stage.platform else "",
        "image": case.image.written,
        "name": case.stage.name or "",
        "base_name": case.names[0],
        "folder": word(found.folder),
        "ground": made.ground,
        "vendor": vendor,
        "assets": assets,
        "rest": [line for line, _ in finished],
    }
    if any(place.has("node-build") for place in found.places):
        outputs = asset_outputs(project)
    rebuilt = _rebuilt(project, parts, outputs)
    return Plan("php", values, account, _needed(case, parts), rebuilt)


def _vendor(case: _Case, made: Lines, owned: Ownership, account: Account) -> tuple[dict[str, object], list[str], str]:
    """The values of the package stage, what stands in the last stage instead, and the COPY of the packages."""
    project, found = case.project, case.found
    php, install = project.php, found.install
    assert php is not None
    assert install is not None
    reason = hazards.development_at_run_time(project, php, found)
    asked = next(command for command in install.commands if command.purpose == "composer-install")
    if reason:
        account.refuse("composer-no-dev", reason)
    elif php.require_dev or php.dev_packages:
        count = len(php.dev_packages)
        account.done["composer-no-dev"] = (
            f"{count} of {count + len(php.packages)} locked packages serve development only"
        )
    dev = "" if reason else " --no-dev"
    account.done["composer-stage"] = "Composer checks packages against the PHP that runs them, and stays behind"
    account.done["order-copies"] = "composer.json and the lock file come before the sources, so packages stay cached"
    account.done["drop-caches"] = case.caches
    if php.lock == "drifted":
        account.notes.append(
            "composer.lock was not written for this composer.json: Composer warns and installs what is locked"
        )
    vendor: dict[str, object] = {
        "name": case.names[1],
        "tools": vendor_tools(made),
        "composer": word(found.composer),
        "manifests": " ".join(manifests(project.root)),
        "inputs": [copy([path], f"./{path}") for path in path_folders(project.root, php)],
        "install": commented(
            case.tree, install.instruction, install_run(install, asked, dev, mounts=case.builds_with.mounts)
        ),
    }
    rest = made.rest
    bring = _from(case, case.names[1], php.vendor, made.packages_at or 0, rest, owned)
    plain = _from(case, case.names[1], php.vendor, -1, rest, Ownership("", "", everything=False, folders=""))
    give = _give_rest(found.folder, owned) if owned.everything else ""
    run = autoload_run(project.root, case.composer, found, dev, _folder_at(found, rest, made.packages_at or 0), give)
    return vendor, [bring, run], plain


def _give_rest(folder: str, owned: Ownership) -> str:
    """The command that gives away what a RUN made: all else has its owner already, and is not stored again."""
    return f"find {word(folder)} -user root -exec chown -h {owned.owner} {{}} +"


def _folder_at(found: PhpSurvey, rest: list[tuple[str, Place]], at: int) -> str:
    """What has to be said of the folder at that position: nothing where it is the application's."""
    place = rest[at - 1][1] if 0 < at <= len(rest) else None
    if place is None:
        place = rest[at][1] if at < len(rest) else found.places[-1]
    here = place.folder
    if place.instruction.keyword == "WORKDIR":
        here = posixpath.normpath(posixpath.join(here, place.instruction.arguments.strip()))
    return "" if here == found.folder else found.folder


def _from(case: _Case, stage: str, path: str, at: int, rest: list[tuple[str, Place]], owned: Ownership) -> str:
    """The COPY of something that another stage made, to where it was made before."""
    folder = case.found.folder
    here = folder if at < 0 else "" if _folder_at(case.found, rest, at) else folder
    target = f"./{path}" if here else f"{folder}/{path}"
    user = next((place.user for _, place in reversed(rest[: max(at, 0)]) if place.user), "")
    flags = owned.flag or ((f"--chown={word(user)}",) if user else ())
    return copy([f"{folder}/{path}"], target, f"--from={stage}", *flags)


def _with_owner(tree: Dockerfile, place: Place, owned: Ownership) -> str:
    item = place.instruction
    text = tree.source(item)
    if item.flag("chown") is not None:
        return text
    return with_flags(item, text, *owned.flag)


def _joined(rest: list[tuple[str, Place]], insertions: list[tuple[int, list[str]]]) -> list[tuple[str, Place | None]]:
    """The lines with the others put in; where both go to one position, packages come first."""
    found: list[tuple[str, Place | None]] = list(rest)
    for at, lines in sorted(insertions, key=lambda each: each[0])[::-1]:
        found[at:at] = [(line, None) for line in lines]
    return found


def _with_folders(lines: list[tuple[str, Place | None]], owned: Ownership) -> list[tuple[str, Place | None]]:
    """The folders that are written to are given away after the last file came, and the user is set before the start."""
    found = list(lines)
    works = [i for i, (_, place) in enumerate(found) if place is None or place.instruction.keyword in _NOT_LAST]
    last = works[-1] + 1 if works else len(found)
    users = [i for i, (_, place) in enumerate(found) if place is not None and place.instruction.keyword == "USER"]
    if owned.folders:
        found.insert(min([last, *users]), (owned.folders, None))
    if owned.user:
        starts = [
            i for i, (_, place) in enumerate(found) if place and place.instruction.keyword in ("CMD", "ENTRYPOINT")
        ]
        found.insert(starts[0] if starts else len(found), (f"USER {owned.user}", None))
    return found


def _explain_assets(
    account: Account, tool: Manager, image: str, outputs: tuple[str, ...], project: Project, caches: str
) -> None:
    lock = project.lock
    assert lock is not None
    account.done["asset-stage"] = f"{image} builds {' and '.join(outputs)}; nothing that runs needs Node"
    account.done["prune-dev-deps"] = "no package of Node's is in the running image"
    account.done[tool.frozen] = f"{lock.path} fits package.json, so exactly what it pins is installed"
    account.done["drop-caches"] = caches


def _rebuilt(project: Project, parts: frozenset[Part], outputs: tuple[str, ...]) -> tuple[str, ...]:
    """What the Dockerfile makes itself, and the context need not hold."""
    php = project.php
    made = [php.vendor] if php is not None and "packages" in parts else []
    if made and is_folder(project.root, "bootstrap/cache"):
        made.append("bootstrap/cache/*.php")  # a list of packages that development left there
    return (*made, *host_outputs(project, outputs))


def _needed(case: _Case, parts: frozenset[Part]) -> tuple[str, ...]:
    """What of the context the Dockerfile or the service names; the settings of Symfony and Laravel are among it."""
    project = case.project
    wanted: set[str] = set()
    for place in case.found.places:
        if place.copies in ("sources", "elsewhere") and not place.instruction.flag("from"):
            wanted |= {posixpath.normpath(source.lstrip("/") or ".") for source in place.sources if "*" not in source}
    if "packages" in parts:
        wanted |= {*manifests(project.root), *(path_folders(project.root, project.php) if project.php else ())}
    if "assets" in parts:
        tool = manager(project)
        wanted |= set(manifest_names(project, tool)) if isinstance(tool, Manager) else set()
    wanted |= hazards.named_by_sources(project.root)
    wanted |= {name for name in top_names(project.root) if re.fullmatch(r"\.env(?:\.(?!example|dist|local)\w+)?", name)}
    return tuple(sorted(path for path in wanted if path != "." and exists(project.root, path)))
