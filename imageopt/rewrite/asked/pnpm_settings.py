"""The files of a pnpm workspace -> why `pnpm deploy` may not do there what it was measured to do, or None.

Measured with pnpm 10.0 to 12.4: from 10.6 on the deployed package.json keeps its fields, and the versions are those of
the shared lock file where that was made with injected workspace packages; from 12.2 on that setting is not asked for.
The older way, that of 8 and 9 too, kept versions that the ranges allow, and replaced those that an override had locked.
"""

import re

from imageopt.project.files import exists, read_text
from imageopt.project.jsonc import object_of, read_object
from imageopt.project.native_packages import version_of
from imageopt.rewrite.asked.model import Site
from imageopt.rewrite.asked.workspace_copies import Copies
from imageopt.rules.checks.steps import with_ancestors

_NAMED = re.compile(r"\bpnpm@(?:latest-)?(\d{1,9}(?:\.\d+)*)")
_NEWEST = 1_000_000  # of a release line, where no more than that is named
_FROM_LOCK, _KEEPS_FIELDS, _WITH_OVERRIDES, _WITHOUT_INJECTING = (10, 0), (10, 6), (10, 12), (12, 2)
_INJECT = "injectWorkspacePackages"
_UNPROVEN = {  # settings that choose another way of deploying, with the value that does no harm
    "sharedWorkspaceLockfile": "true",
    "forceLegacyDeploy": "false",
    "nodeLinker": "isolated",
    "deployAllFiles": "false",
}


def against_deploying(site: Site, copies: Copies) -> str | None:
    """The first reason, with the file that it rests on."""
    lock, root = site.project.lock, site.project.root
    if lock is None or lock.state != "in-sync":
        return f"which versions to deploy is not known: {lock.reason if lock else 'there is no lock file'}"
    versions = _versions(site, copies)
    if not versions:
        return "nothing says which pnpm it is: add `packageManager` to package.json"
    for place, text in versions:
        version = _version(text)
        if version < _FROM_LOCK:
            return f"{place}: pnpm {text} resolves anew what it deploys: locked versions are only preferred (pnpm#9023)"
        if version < _KEEPS_FIELDS:
            return f"{place}: pnpm {text} may leave fields out of the deployed package.json: move to 10.6 or later"
    for name, harmless in _UNPROVEN.items():
        found = _setting(site, name)
        if found and found[1] != harmless:
            return f"{found[0]}: deploying with {name} {found[1]} is not known to hold to the lock file"
    hook = next((name for name in (".pnpmfile.cjs", ".pnpmfile.mjs") if exists(root, name)), None)
    if hook:
        return f"{hook}: what it changes of a package is not known to reach what is deployed (pnpm#9267)"
    return _against_lock(site, lock.path, versions)


def _against_lock(site: Site, path: str, versions: list[tuple[str, str]]) -> str | None:
    """What the lock file was made with that these versions do not deploy."""
    text = read_text(site.project.root, path) or ""
    if re.search(r"^patchedDependencies:", text, re.MULTILINE):
        return f"{path}: patched packages were not tried with pnpm deploy"
    oldest = min(_version(named) for _, named in versions)
    if oldest < _WITH_OVERRIDES and re.search(r"^overrides:", text, re.MULTILINE):
        return f"{path}: before 10.12 pnpm refuses to deploy from a workspace with overrides"
    injects = (_setting(site, _INJECT) or ("", ""))[1] == "true"
    if injects != bool(re.search(rf"^  {_INJECT}: true\s*$", text, re.MULTILINE)):
        return f"{path} and the settings of pnpm do not say the same of {_INJECT}: pnpm refuses to install that"
    if not injects and oldest < _WITHOUT_INJECTING:
        return (
            f"pnpm {versions[0][1]} deploys from the lock file only with `{_INJECT}: true` in pnpm-workspace.yaml: "
            "set it, and run pnpm install"
        )
    return None


def _versions(site: Site, copies: Copies) -> list[tuple[str, str]]:
    """Each place that names a version of pnpm for the stage that deploys, and the version."""
    found = []
    manager = site.project.manager
    if manager is not None and manager.exact is not None:
        found.append((manager.exact.source, manager.exact.value))
    for number in with_ancestors(site.tree, copies.stage):
        for item in site.tree.stages[number].instructions:
            named = _NAMED.search(item.arguments) if item.keyword == "RUN" else None
            if named:
                found.append((site.line(item), named[1]))
    return found


def _version(text: str) -> tuple[int, int]:
    return version_of(text) if "." in text else (int(text), _NEWEST)


def _setting(site: Site, name: str) -> tuple[str, str] | None:
    """Where a setting of pnpm is made, and its value."""
    root = site.project.root
    kebab = re.sub(r"[A-Z]", lambda letter: f"-{letter[0].lower()}", name)
    for path, pattern in (("pnpm-workspace.yaml", rf"^{name}:[ \t]*['\"]?(\w+)"), (".npmrc", rf"^{kebab}\s*=\s*(\w+)")):
        made = re.search(pattern, read_text(root, path) or "", re.MULTILINE)
        if made:
            return path, made[1]
    own = object_of((read_object(root, "package.json") or {}).get("pnpm")).get(name)
    return ("package.json", str(own).lower()) if own is not None else None
