"""Packages of any manager, in both images: what came, went, has another version or another size."""

from msgspec.structs import replace

from imageopt.compare.model import PackageChange
from imageopt.compare.packages import compare_packages
from imageopt.image.model import LibraryPackage, NpmPackage, Packages, SystemPackage


def npm(name: str, version: str, size: int, path: str = "app") -> NpmPackage:
    return NpmPackage(name, version, f"{path}/node_modules/{name}", size, None)


def apk(name: str, version: str, size: int) -> SystemPackage:
    return SystemPackage("apk", name, version, name, size, 0, False, (), ())


def test_packages_of_any_manager_by_the_bytes_they_change() -> None:
    before = Packages(
        (npm("a", "1.0.0", 50), npm("b", "1.0.0", 10), npm("b", "1.0.0", 10, "x")), (apk("git", "2", 900),), {}
    )
    after = Packages((npm("b", "1.0.0", 10), npm("c", "3.0.0", 400)), (apk("git", "2", 700), apk("musl", "1", 5)), {})
    assert compare_packages(before, after) == (
        PackageChange("npm", "c", (), ("3.0.0",), 0, 400),
        PackageChange("apk", "git", ("2",), ("2",), 900, 700),
        PackageChange("npm", "a", ("1.0.0",), (), 50, 0),
        PackageChange("npm", "b", ("1.0.0", "1.0.0"), ("1.0.0",), 20, 10),
        PackageChange("apk", "musl", (), ("1",), 0, 5),
    )
    assert compare_packages(before, before) == ()


def test_a_library_that_a_system_package_brought_is_counted_there_alone() -> None:
    own = LibraryPackage("python", "flask", "3.0.0", "app/flask", 70, 1, None, "", ())
    debians = replace(own, name="six", provided_by="python3-six")
    changes = compare_packages(Packages((), (), {}), Packages((), (), {}, (own, debians)))
    assert changes == (PackageChange("python", "flask", (), ("3.0.0",), 0, 70),)
