"""A lock file in one line."""

from imageopt.lockfile.summary import summary
from imageopt.project.model import Lock, LockedPackage


def lock(*packages: str) -> Lock:
    found = tuple(
        LockedPackage(name, version, f"node_modules/{name}", False, False, False, (), (), ())
        for name, _, version in (package.rpartition("@") for package in packages)
    )
    return Lock("npm", "package-lock.json", "3", "in-sync", "", found)


def test_a_new_one_is_counted() -> None:
    assert summary(None, lock("a@1", "b@2"), b"", b"x\n" * 1500) == "2 packages, 1,500 lines"
    assert summary(lock(), lock("a@1"), b"{}", b"x\n") == "1 package, 1 line"


def test_of_a_mended_one_the_difference_is_told() -> None:
    told = summary(
        lock("a@1", "gone@1", "b@1", "b@2"), lock("a@2", "new@1", "b@1", "b@2"), b"1\n2\n3\n", b"1\n4\n3\n5\n"
    )
    assert told == (
        "1 package added (new 1); 1 package removed (gone); 1 package changed (a 1 -> 2); 2 lines added, 1 removed"
    )


def test_not_everything_is_called_by_name_and_names_are_data() -> None:
    told = summary(lock("a@1"), lock("a@1", "b\n@1", "c@1", "d@1", "e@1", f"{'f' * 500}@1"), b"", b"")
    assert told == "5 packages added (b  1, c 1, d 1, …); 0 lines added, 0 removed"
