"""A GitLab with one project, in a thread of the test: the few endpoints of its REST API that imageopt asks.

Written from the documentation of the notes, commits, repository files and merge requests APIs and of their pagination.

with serving() as gitlab:
    gitlab.faults["POST notes"] = ["500"]         the first such request is refused with that status
    gitlab.faults["POST notes"] = ["500 done"]    it is done, but the answer is lost
"""

import base64
import json
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PROJECT = "/api/v4/projects/7"
TOKEN = "glpat-canary-for-tests-1234"
Json = dict[str, Any]


class GitLab(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.notes: list[Json] = []
        self.requests: list[Json] = []
        self.branches: dict[str, dict[str, bytes]] = {"main": {"Dockerfile": b"FROM node:20\n", "web/app.js": b""}}
        self.commits: list[Json] = []
        self.asked: list[str] = []
        self.faults: defaultdict[str, list[str]] = defaultdict(list)
        self.page = 2  # the most that a page holds, whatever is asked for

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def variables(self) -> dict[str, str]:
        """What a job of a merge request's pipeline has in its environment."""
        return {
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_IID": "3",
            "CI_DEFAULT_BRANCH": "main",
            "IMAGEOPT_GITLAB_TOKEN": TOKEN,
        }

    def note(self, body: str, *, author: str = "bot", system: bool = False) -> Json:
        made = {"id": len(self.notes) + 1, "body": body, "system": system, "author": {"username": author}}
        self.notes.append(made)
        return made


class Handler(BaseHTTPRequestHandler):
    server: GitLab

    def log_message(self, *_: object) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_GET  # noqa: N815 (http.server's names)

    def _answer(self) -> None:
        address = urlsplit(self.path)
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"{}")
        what = unquote(address.path.removeprefix(PROJECT)).strip("/").split("/")
        kind = (
            f"{self.command} {next(name for name in ('notes', 'commits', 'files', 'merge_requests') if name in what)}"
        )
        self.server.asked.append(kind)
        fault = self.server.faults[kind].pop(0) if self.server.faults[kind] else ""
        if self.headers.get("PRIVATE-TOKEN") != TOKEN:
            self._send(401, {"message": "401 Unauthorized"})
        elif fault and not fault.endswith("done"):
            self._send(int(fault), {"message": f"{fault} by order"})
        else:
            status, answer = self._do(kind, what, {k: v[0] for k, v in parse_qs(address.query).items()}, body)
            self._send(int(fault.split()[0]) if fault else status, answer)

    def _do(self, kind: str, what: list[str], asked: dict[str, str], body: Json) -> tuple[int, Any]:
        server = self.server
        match kind:
            case "GET notes":
                return 200, self._paged(server.notes, asked)
            case "POST notes":
                return 201, server.note(body["body"])
            case "PUT notes":
                note = next(note for note in server.notes if str(note["id"]) == what[-1])
                if note["author"]["username"] != "bot":
                    return 403, {"message": "403 Forbidden"}
                note["body"] = body["body"]
                return 200, note
            case "GET files":
                content = server.branches.get(asked["ref"], {}).get("/".join(what[what.index("files") + 1 :]))
                if content is None:
                    return 404, {"message": "404 File Not Found"}
                return 200, {"encoding": "base64", "content": base64.b64encode(content).decode()}
            case "POST commits":
                return self._commit(body)
            case "GET merge_requests":
                fits = [each for each in server.requests if each["source_branch"] == asked.get("source_branch")]
                return 200, self._paged([each for each in fits if each["state"] == asked["state"]], asked)
            case "POST merge_requests":
                if any(each["source_branch"] == body["source_branch"] for each in server.requests):
                    return 409, {"message": ["Another open merge request already exists for this source branch: !1"]}
                iid = len(server.requests) + 1
                made = {**body, "iid": iid, "state": "opened", "web_url": f"https://gitlab.example.org/mr/{iid}"}
                server.requests.append(made)
                return 201, made
            case _:
                request = next(each for each in server.requests if str(each["iid"]) == what[-1])
                request.update(body)
                return 200, request

    def _commit(self, body: Json) -> tuple[int, Any]:
        branches = self.server.branches
        files = dict(branches[body["start_branch"]])
        for action in body["actions"]:
            exists = action["file_path"] in files
            if exists != (action["action"] == "update"):
                return 400, {"message": "A file with this name already exists" if exists else "A file does not exist"}
            files[action["file_path"]] = base64.b64decode(action["content"])
        if body["branch"] in branches and not body.get("force"):
            return 400, {"message": "A branch called so already exists"}
        branches[body["branch"]] = files
        self.server.commits.append(body)
        return 201, {"id": "0" * 40}

    def _paged(self, items: list[Json], asked: dict[str, str]) -> list[Json]:
        size, page = self.server.page, int(asked.get("page", "1"))
        self._more = str(page + 1) if page * size < len(items) else ""
        return items[(page - 1) * size : page * size]

    def _send(self, status: int, answer: Any) -> None:
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 429:
            self.send_header("Retry-After", "0")
        if more := getattr(self, "_more", ""):
            query = "&".join(f"{k}={v[0]}" for k, v in parse_qs(urlsplit(self.path).query).items() if k != "page")
            path = urlsplit(self.path).path
            self.send_header("Link", f'<{self.server.url}{path}?{query}&page={more}>; rel="next"')
            self.send_header("X-Next-Page", more)
        if status == 302:
            self.send_header("Location", "http://elsewhere.example.org/")
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serving() -> Iterator[GitLab]:
    with GitLab() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
