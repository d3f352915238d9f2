"""An image of three layers: a package, a chown that stores it again, and a delete."""

import pytest
from imagebuilder import file, whiteout
from imageof import image_of

from imageopt.dockerfile import parse
from imageopt.evidence.join import join
from imageopt.evidence.model import Evidence

MODULE = "app/node_modules/left-pad"


@pytest.fixture
def evidence() -> Evidence:
    package = [
        file(f"{MODULE}/package.json", b'{"name": "left-pad", "version": "1.3.0"}'),
        file(f"{MODULE}/index.js", b"x" * 5000),
    ]
    image = image_of(
        [*package, file("app/a.txt", b"a" * 100), file("app/b/[red]c.txt", b"c" * 10)],
        [file(f"{MODULE}/index.js", b"x" * 5000)],
        [whiteout("app/a.txt"), file("etc/new", b"n")],
    )
    return join(image, parse(b"FROM scratch\nCOPY . /app\nRUN chown -R 1 /app/node_modules\nRUN rm /app/a.txt\n"), None)
