"""Which function mends which rule, in the order in which they are tried.

The order matters: what is not read as it was meant is put right first, and `RUN apt-get update` is joined with its
installation before anybody asks whether its lists can go.
"""

from importlib import import_module

from imageopt.rewrite.fixes.model import FixFunction
from imageopt.rules.model import Safety

FIXES = {  # rule -> module and function
    "empty-continuation": "syntax.drop_blank_lines",
    "invalid-json-form": "syntax.write_json",
    "deprecated-syntax": "syntax.modernise",
    "overridden-cmd-entrypoint-healthcheck": "runs.drop_replaced",
    "platform-constant-or-redundant": "options.drop_redundant_platform",
    "add-instead-of-copy": "copies.add_to_copy",
    "copy-many-without-slash": "copies.clear_destination",
    "copy-after-user-without-chown": "ownership.chown_for_user",
    "cd-without-effect": "runs.use_workdir",
    "sudo-used": "runs.drop_sudo",
    "interactive-install": "options.answer_yes",
    "useradd-large-uid": "options.no_log_init",
    "package-update-alone": "runs.join_update",
    "deleted-in-later-layer": "runs.join_removal",
    "copied-up-by-chown-chmod": "ownership.copy_with_owner",
    "no-cache-mount": "mounts.mount_cache",
    "apt-lists-left": "cleanup.drop_apt_lists",
    "pkg-manager-cache-left": "cleanup.drop_system_cache",
    "pip-gem-go-cache-left": "cleanup.drop_language_cache",
    "npm-yarn-pnpm-cache-left": "cleanup.drop_node_cache",
    "composer-cache-or-binary-left": "cleanup.drop_composer_cache",
    "pecl-temp-left": "cleanup.drop_pecl_temporary",
    "php-source-left": "cleanup.delete_php_source",
    "shell-form-cmd": "starts.write_list",
    "host-node-modules-copied": "ignored.ignore_modules",
    "env-file-or-key-copied": "ignored.ignore_secrets",
    "php-dev-artifacts": "ignored.ignore_php_development",
    "junk-copied": "ignored.ignore_useless",
    "dockerignore-missing-or-weak": "ignored.ignore_useless",
    "unused-or-expired-suppression": "syntax.drop_suppression",
}
_CHANGES_MORE = frozenset(("invalid-json-form", "cd-without-effect", "env-file-or-key-copied", "php-dev-artifacts"))


def find_fix(rule: str) -> FixFunction | None:
    """The function that mends findings of this rule; None where only a person can."""
    module, _, name = FIXES.get(rule, "").partition(".")
    if not module:
        return None
    found: FixFunction = getattr(import_module(f"imageopt.rewrite.fixes.{module}"), name)
    return found


def safety(rule: str) -> Safety:
    """Whether the fix cannot change what the image does, or is meant to change it and is to be verified."""
    return "verify" if rule in _CHANGES_MORE else "safe"
