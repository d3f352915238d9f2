"""What a port says: nothing, something silent, or an answer. The servers here are this test's own."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from imageopt.verify import probe
from imageopt.verify.exchange import Ask
from imageopt.verify.probe import ask, ask_all, readiness, wait_until_ready

pytestmark = pytest.mark.slow  # waits for servers that keep it waiting


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/rude":
            self.wfile.write(b"nonsense\r\n\r\n")
            return
        if self.path == "/drip":
            with contextlib.suppress(OSError):
                for _ in range(40):
                    self.wfile.write(b"H")
                    time.sleep(0.1)
            return
        if self.path == "/socket":
            self.send_response(101 if self.headers["Upgrade"] == "websocket" else 400)
            self.end_headers()
            return
        moved = self.path == "/old"
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", "/new")
        if self.path == "/headers":
            self.send_header("Set-Cookie", "b=2; expires=Fri, 02 Jan 2026 03:04:05 GMT")
            self.send_header("Set-Cookie", "a=1; Path=/; HttpOnly")
            self.send_header("X-Request-Id", "17")
            self.send_header("Cache-Control", "no-store")
            self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", "Text/Plain; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"{self.headers['Host']} {self.path}".encode())

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.wfile.write(f"{self.headers['X-Key']} {body.decode()}".encode())

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@pytest.fixture
def server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Handler) as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield serving.server_address[1]
        serving.shutdown()
        thread.join()


@contextmanager
def listener(*, closes: bool) -> Iterator[int]:
    """A port that takes connections and either drops them, as the engine's proxy does, or keeps silent."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        kept: list[socket.socket] = []

        def serve() -> None:
            try:
                while True:
                    connection, _ = listening.accept()
                    if closes:
                        connection.close()
                    else:
                        kept.append(connection)
            except OSError:
                return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        for connection in kept:
            connection.close()


def test_the_three_kinds_of_readiness(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_QUIET_SECONDS", 0.3)
    assert readiness("127.0.0.1", server) == "answers"
    with listener(closes=True) as port:
        assert readiness("127.0.0.1", port) == "closed"
    with listener(closes=False) as port:
        assert readiness("127.0.0.1", port) == "open"
    assert readiness("127.0.0.1", port) == "closed"


def test_waiting_ends_with_the_answer_with_the_container_or_with_the_time(server: int) -> None:
    assert wait_until_ready("127.0.0.1", server, seconds=5, still_runs=lambda: True) is not None
    with listener(closes=True) as port:
        assert wait_until_ready("127.0.0.1", port, seconds=0.3, still_runs=lambda: True) is None
        assert wait_until_ready("127.0.0.1", port, seconds=60, still_runs=lambda: False) is None


def test_an_answer_is_read_as_it_came_with_the_inner_port_as_host(server: int) -> None:
    answer = ask("127.0.0.1", server, Ask("/a b\r\nX: y"), inner_port=3000)
    assert answer is not None
    assert (answer.status, answer.content_type) == (200, "text/plain")
    assert answer.body == b"localhost:3000 /a%20b%0D%0AX:%20y"


def test_redirects_are_not_followed(server: int) -> None:
    answer = ask("127.0.0.1", server, Ask("/old"), inner_port=3000)
    assert answer is not None
    assert (answer.status, answer.location) == (302, "/new")


def test_what_is_no_http_is_no_answer(server: int) -> None:
    assert list(ask_all("127.0.0.1", server, (Ask("/"), Ask("/rude")), inner_port=1)) == ["GET /"]
    with listener(closes=True) as port:
        assert ask("127.0.0.1", port, Ask("/"), inner_port=1) is None


def test_a_server_that_stays_silent_is_not_asked_for_ever(server: int) -> None:
    asks = [Ask(path) for path in ("/rude", "/rude", "/1", "/rude", "/rude", "/rude", "/2")]
    assert list(ask_all("127.0.0.1", server, asks, inner_port=1)) == ["GET /1"]


def test_a_server_that_drips_is_cut_off(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "_REQUEST_SECONDS", 0.4)
    start = time.monotonic()
    assert ask("127.0.0.1", server, Ask("/drip"), inner_port=1) is None
    assert time.monotonic() - start < 3


def test_a_body_and_headers_are_sent_where_they_are_configured(server: int) -> None:
    answer = ask("127.0.0.1", server, Ask("/echo", "POST", (("X-Key", "k"),), b"hello"), inner_port=1)
    assert answer is not None
    assert (answer.what, answer.body) == ("POST /echo", b"k hello")


def test_an_upgrade_that_is_taken_is_an_answer(server: int) -> None:
    answer = ask("127.0.0.1", server, Ask("/socket", "WS"), inner_port=1)
    assert answer is not None
    assert (answer.what, answer.status, answer.body) == ("WS /socket", 101, b"")


def test_headers_that_a_client_acts_on_are_kept_in_any_order(server: int) -> None:
    answer = ask("127.0.0.1", server, Ask("/headers"), inner_port=1)
    assert answer is not None
    assert answer.headers == {
        "access-control-allow-origin": "*",
        "cache-control": "no-store",
        "content-type": "Text/Plain; charset=utf-8",
        "set-cookie": "a; Path=/; HttpOnly, b; expires=",
    }
