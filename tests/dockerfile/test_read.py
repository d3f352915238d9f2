"""What lies under the name of a Dockerfile, and that nothing of it is waited for."""

import os
import socket
from pathlib import Path

import pytest

from imageopt.dockerfile.read import LIMIT_BYTES, read_dockerfile
from imageopt.errors import InputError


def test_a_file_and_a_symlink_to_it(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"FROM a\r\n\xff")
    (tmp_path / "link").symlink_to("real")
    assert read_dockerfile(tmp_path / "real") == read_dockerfile(tmp_path / "link") == b"FROM a\r\n\xff"


def test_a_pipe_is_read_where_the_user_named_it(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, b"FROM a\n")
    os.close(write)
    assert read_dockerfile(Path(f"/dev/fd/{read}"), streams=True) == b"FROM a\n"
    os.close(read)


def test_what_is_no_dockerfile(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "huge").write_bytes(b"#" * (LIMIT_BYTES + 1))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    causes = {}
    for path in (*sorted(tmp_path.iterdir()), Path("/dev/zero")):
        with pytest.raises(InputError) as caught:
            read_dockerfile(path)
        causes[path.name] = caught.value.cause.removeprefix(f"{path} ")
    listening.close()
    assert causes == {
        "folder": "cannot be read: it is a folder",
        "huge": "is larger than 1 MB",
        "loop": "cannot be read: Too many levels of symbolic links",
        "pipe": "cannot be read: it is no regular file",
        "socket": "cannot be read: No such device or address",
        "zero": "cannot be read: it is no regular file",
    }
    with pytest.raises(FileNotFoundError):
        read_dockerfile(tmp_path / "nowhere")
    with pytest.raises(InputError, match="larger than 1 MB"):
        read_dockerfile(Path("/dev/zero"), streams=True)
    with pytest.raises(InputError, match="it is a folder"):
        read_dockerfile(tmp_path / "folder", streams=True)
