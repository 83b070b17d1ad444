"""Lists from a server, against one that says what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from harness import tracking
from harness.tracking import listing, patience, record, tags


class Server(ThreadingHTTPServer):
    """Answers as `mlflow server` does, with whole numbers as text, as other makers' do."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages: dict[str, list[list[tuple[str, int]]]] = {}
        self.asked: list[dict[str, Any]] = []
        self.headers: set[str | None] = set()
        self.refuses: tuple[int, bytes] | None = None
        self.fails = 0


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer({} if self.path == "/health" else {"experiments": [{"experiment_id": "7", "name": "spec"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.path.endswith("/runs/search"):
            return self.do_GET()
        self.server.asked.append(asked)
        self.server.headers.add(self.headers["Authorization"])
        if self.server.fails:
            self.server.fails -= 1
            return self._send(500, b"a connection of mine broke")
        if self.server.refuses is not None:
            status, text = self.server.refuses
            return self._send(status, text)
        one = asked["filter"].partition("LIKE '")[2][:1]
        found, at = self.server.pages.get(one, [[]]), int(asked.get("page_token") or 0)
        more = {"next_page_token": str(at + 1)} if at + 1 < len(found) else {}
        self._answer({"runs": [_run(*run) for run in found[at]], **more} if found[at] else more)

    def _answer(self, what: dict[str, Any]) -> None:
        self._send(200, json.dumps(what).encode())

    def _send(self, status: int, text: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


def _run(run_id: str, start: int) -> dict[str, Any]:
    info = {
        "run_id": f"m{start}",
        "status": "FINISHED",
        "start_time": str(start),
        "artifact_uri": "mlflow-artifacts:/7",
    }
    given = [{"key": tags.RUN_ID, "value": run_id}, {"key": tags.SPEC, "value": "spec"}, {"key": "empty"}]
    return {"info": {**info, "start_time": str(start), "end_time": str(start + 2000)}, "data": {"tags": given}}


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def uri(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_address[1]}"


def test_many_runs_are_asked_for_in_parts_and_pages_with_the_clients_token(server, uri, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    monkeypatch.setattr(record, "_FEW", 20)
    ids = [f"{digit}{number:02}" for digit in "abc" for number in range(10)]
    server.pages["a"] = [[("a00", 5000), ("a01", 1000)], [("a01", 1000), ("afar", 7000)]]
    server.pages["c"] = [[("c09", 3000)]]
    found = tracking.records(uri, ids)
    assert [(one.run_id, one.started, one.seconds) for one in found] == [("a01", 1, 2), ("c09", 3, 2), ("a00", 5, 2)]
    assert found[0].spec == "spec" and found[0].artifact_uri == "mlflow-artifacts:/7"
    assert server.headers == {"Bearer secret"}
    asked = sorted(one["filter"] for one in server.asked)
    assert asked == [f"tags.`repose.run_id` LIKE '{one}%'" for one in "aabc"]
    assert set(tracking.finished(uri, ids)) == {"a00", "a01", "c09"}
    assert "AND attributes.status = 'FINISHED'" in server.asked[-1]["filter"]
    assert {one["max_results"] for one in server.asked} == {listing.PAGE}


@pytest.mark.parametrize(
    ("answer", "lasting"),
    [
        ((401, b"who are you?"), True),
        ((400, b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "no such filter"}'), True),
        ((200, b"<html>log in</html>"), False),
        ((503, b"busy"), False),
    ],
)
@pytest.mark.parametrize("few", [3, 30])
def test_refusals_are_errors_of_mlflows_client(server, uri, monkeypatch, answer, lasting, few):
    monkeypatch.setattr(record, "_FEW", few)
    server.refuses = answer
    with pytest.raises(Exception) as refused:
        tracking.records(uri, [f"a{number}" for number in range(10)])
    assert type(refused.value).__module__ == "mlflow.exceptions"
    assert tracking.passing(refused.value) is not lasting


@pytest.mark.parametrize("few", [3, 30])
def test_a_server_that_fails_a_request_now_and_then_is_asked_again(server, uri, monkeypatch, few):
    monkeypatch.setattr(record, "_FEW", few)
    monkeypatch.setattr(patience, "_AGAIN", (0.0, 0.0))
    server.pages["a"] = server.pages[""] = [[("a1", 1000)], [("a2", 2000)]]
    server.fails = 2
    assert [one.run_id for one in tracking.records(uri, [f"a{number}" for number in range(10)])] == ["a1", "a2"]
    server.fails = 100
    with pytest.raises(Exception, match="500"):
        tracking.records(uri, ["a1"])
    assert server.fails == 97, "three times, then it's said"


def test_ids_that_a_filter_would_read_otherwise_are_found_among_all():
    assert listing.parts(["%x", "ab"]) == [""]
    assert listing.parts(["ab", "ac", "b"]) == ["tags.`repose.run_id` LIKE 'a%'", "tags.`repose.run_id` LIKE 'b%'"]
