"""Commands that select members of a workspace, as people write them."""

import pytest

from imageopt.project.manifest import manifest_of
from imageopt.project.member_calls import MemberCall, member_call, member_names
from imageopt.project.model import Member

MEMBERS = tuple(
    Member(folder, manifest_of({"name": name}), needs)
    for folder, name, needs in (
        ("apps/api", "@x/api", ("packages/db",)),
        ("apps/web", "@x/web", ()),
        ("packages/db", "@x/db", ()),
    )
)
ALL = ("apps/api", "apps/web", "packages/db")


@pytest.mark.parametrize(
    ("command", "script", "folders", "everywhere"),
    [
        ("npm run build -w @x/api", "build", ("apps/api",), False),
        ("npm run build --workspace=apps/api --if-present", "build", ("apps/api",), False),
        ("npm -w db -w api run build", "build", ("packages/db", "apps/api"), False),
        ("npm start -w api", "start", ("apps/api",), False),
        ("npm --prefix apps/api start", "start", ("apps/api",), False),
        ("npm run build --workspaces --if-present", "build", ALL, True),
        ("npm run build -ws", "build", ALL, True),
        ("npm ci -w apps/api --include-workspace-root", None, ("apps/api",), False),
        ("pnpm --filter @x/api start", "start", ("apps/api",), False),
        ("pnpm --filter=@x/api... run build", "build", ("packages/db", "apps/api"), False),
        ("pnpm -F ./apps/api build", "build", ("apps/api",), False),
        ("pnpm -F {apps/web} build", "build", ("apps/web",), False),
        ("pnpm -C apps/web build", "build", ("apps/web",), False),
        ("pnpm -r build", "build", ALL, True),
        ("pnpm -r --stream run build", "build", ALL, True),
        ("pnpm -w run build", "build", ("",), False),
        ("yarn workspace @x/api build", "build", ("apps/api",), False),
        ("yarn workspaces run build", "build", ALL, True),
        ("yarn workspaces foreach -A -t run build", "build", ALL, True),
        ("yarn --cwd apps/web build", "build", ("apps/web",), False),
        ("npx turbo run build", "build", ALL, True),
        ("turbo build --filter=@x/api", "build", ("packages/db", "apps/api"), False),
        ("bun run --filter @x/web build", "build", ("apps/web",), False),
    ],
)
def test_what_is_called_where(command: str, script: str | None, folders: tuple[str, ...], everywhere: bool) -> None:
    call = member_call(tuple(command.split()), "", MEMBERS)
    assert call is not None
    assert (call.script, call.folders, call.everywhere) == (script, folders, everywhere)


@pytest.mark.parametrize(
    "command",
    [
        "",
        "tsc -b",
        "npm run build",  # of the root
        "npm run build -w",
        "npm run build -w @x/gone",
        "npm --prefix ../other start",
        "pnpm --filter ...@x/db build",  # what needs it
        "pnpm --filter !@x/web build",
        "pnpm --filter 'apps/*' build",
        "pnpm --filter [origin/main] build",
        "yarn workspace",
        "yarn workspace @x/gone build",
        "yarn workspaces focus @x/api --production",
        "turbo build --filter=[main]",
    ],
)
def test_nothing_is_claimed_about_other_commands(command: str) -> None:
    assert member_call(tuple(command.split()), "", MEMBERS) is None


def test_in_the_folder_of_a_member_its_own_scripts_are_called() -> None:
    assert member_call(("npm", "start"), "apps/web", MEMBERS) == MemberCall(
        "start", ("apps/web",), False, ("npm", "start")
    )


def test_a_name_that_two_share_means_neither() -> None:
    members = tuple(Member(f"{kind}/web", manifest_of({"name": f"@{kind}/web"}), ()) for kind in ("apps", "packages"))
    assert member_names(members) == {
        "@apps/web": "apps/web", "apps/web": "apps/web", "@packages/web": "packages/web", "packages/web": "packages/web",
    }  # fmt: skip
