"""A document -> OpenMetrics text, which GitLab's metrics report compares with the target branch's.

What surprises: GitLab compares by name and labels, so nothing that changes with each commit may be in them: the image
is named without its tag.
"""

from collections.abc import Mapping
from typing import Any

from imageopt.report.names import harmless
from imageopt.report.numbers import numbers, subject

Json = Mapping[str, Any]
_ESCAPED = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


def openmetrics(document: Json) -> str:
    """A gauge for each number; the samples of one name stand together, as the format asks, and `# EOF` at the end."""
    image = ("image", subject(document))
    lines: list[str] = []
    told = ""
    for number in numbers(document):
        if number.name != told:
            told = number.name
            lines += [f"# TYPE {told} gauge", f"# HELP {told} {number.help.translate(_ESCAPED)}"]
            if unit := next((unit for unit in ("bytes", "seconds") if told.endswith(f"_{unit}")), None):
                lines.insert(-1, f"# UNIT {told} {unit}")
        labels = ",".join(f'{name}="{harmless(text).translate(_ESCAPED)}"' for name, text in (image, *number.labels))
        lines.append(f"{told}{{{labels}}} {number.value}")
    return "\n".join((*lines, "# EOF")) + "\n"
