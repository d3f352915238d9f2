"""A document -> a few variables for the jobs that follow, as GitLab's dotenv report takes them.

What surprises: the file may hold 5 KB and on a self-managed server 20 variables, no comment, no empty line and no
quotes that would be taken away; so there are sizes, the change and the verdict, and nothing that comes from a file.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]


def dotenv(document: Json) -> str:
    """`IMAGEOPT_…=value` lines; what is not known has no line."""
    return "".join(f"IMAGEOPT_{name}={value}\n" for name, value in _variables(document) if value is not None)


def _variables(document: Json) -> Iterator[tuple[str, object]]:
    match document["schema"]:
        case "imageopt.analysis/1":
            yield from _sizes((document["image"] or {}).get("sizes") or {})
            yield "SAVING_BYTES", document["summary"]["saving_bytes"]
            yield "FINDINGS", sum(document["summary"]["findings"].values())
        case "imageopt.verification/1":
            yield "VERDICT", document["verdict"]
            comparison = document["comparison"]
            for name in ("download", "unpacked", "live"):
                change = comparison[f"{name}_bytes"]
                yield f"{name.upper()}_BYTES", change["after"]
                yield f"{name.upper()}_SAVED_BYTES", change["saved"]
        case "imageopt.rewrite/1":
            yield "VERDICT", document["outcome"]
            yield "PREDICTED_BYTES", document["prediction"]["bytes"]
        case _:
            yield "VERDICT", "pass" if document["passed"] else "fail"
            sizes = document.get("sizes") or {}
            yield from _sizes(sizes)
            for name, before in ((document.get("baseline") or {}).get("sizes") or {}).items():
                if before is not None and sizes.get(name) is not None:
                    yield f"{name.removesuffix('_bytes').upper()}_GROWTH_BYTES", sizes[name] - before


def _sizes(sizes: Json) -> Iterator[tuple[str, object]]:
    for name in ("download_bytes", "unpacked_bytes", "live_bytes", "wasted_bytes"):
        yield name.upper(), sizes.get(name)
