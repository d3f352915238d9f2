"""Where the files that travel with imageopt lie: rules, templates, schemas.

In the wheel they are under `imageopt/_data/`; in a checkout at the top of the repository. An editable
install copies them too, and the copy goes stale, so the checkout is asked first.
"""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def data_folder(name: str) -> Path:
    """The folder `rules` or `dockerfile_templates`, wherever this installation keeps it."""
    checkout = _PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    return _PACKAGE / "_data" / name


def schema_file(name: str) -> Path:
    """The JSON Schema of a document, for example `analysis-1`."""
    return _PACKAGE / "report" / "schemas" / f"{name}.schema.json"
