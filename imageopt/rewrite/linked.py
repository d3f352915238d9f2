"""What compiled files link against, asked of the linker while the image is built, so that no table has to be right.

A shell pipeline, because only the build knows what a package was compiled against. Debian's tools; alpine has others.
"""

from typing import Literal


def libraries_of(files: str, then: Literal["apt-mark manual", "list"]) -> str:
    """The commands that name the Debian packages which the compiled `files` (as the shell finds them) load.

    `apt-mark manual` keeps those packages from going with what brought them; `list` writes their names.
    """
    last = " | xargs -r apt-mark manual" if then == "apt-mark manual" else ""
    return " \\\n     | ".join(
        (
            f"{{ ldd {files} 2>/dev/null || true; }}",
            """awk '$2 == "=>" {print "*/" $1}' | sort -u""",
            "{ xargs -r dpkg-query --search 2>/dev/null || true; }",
            rf"sed -n 's/^\([a-z0-9][a-z0-9.+-]*\):.*/\1/p' | sort -u{last}",
        )
    )
