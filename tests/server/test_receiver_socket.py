"""A whole receiver on a real socket: slow and greedy clients, connections, ends, and what it tells of itself."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from aa_tui.backend.service import receivers
from aa_tui.backend.service.projects import ProjectService, open_workspace
from aa_tui.backend.service.stores import open_store
from aa_tui.backend.store.engine import Store
from aa_tui.backend.support.clock import FrozenClock, SystemClock
from aa_tui.backend.support.errors import UsageError
from aa_tui.server.receiver.limits import MIB, ServerLimits
from aa_tui.server.receiver.running import Figures, Receiver, ReceiverOptions, listen

ROOT = Path(__file__).resolve().parents[2]
QUICK = ServerLimits(
    header_seconds=0.4, idle_seconds=0.4, body_seconds=1.0, keep_alive_seconds=1, connections=6, header_bytes=8192
)


def until(true: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until something is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


@contextmanager
def running(store: Store, limits: ServerLimits | None = None) -> Iterator[tuple[Receiver, list[Figures]]]:
    options = ReceiverOptions(port=0, limits=limits or ServerLimits())
    told: list[Figures] = []
    faults: list[BaseException] = []
    receiver = Receiver(store, options, listen(options), told=told.append, fault=faults.append)
    thread = threading.Thread(target=receiver.run)
    thread.start()
    try:
        until(lambda: ask(receiver.port, "GET", "/healthz")[0] == 200)
        yield receiver, told
    finally:
        receiver.stop()
        thread.join(20)
    assert not thread.is_alive() and faults == []


def ask(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
    named = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request(method, path, body, named)
            answer = connection.getresponse()
            return answer.status, answer.read()
    except ConnectionError:
        return 0, b""


def raw(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def rest(connection: socket.socket) -> bytes:
    """Return what comes until the other side closes."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionError:
        pass
    return found


def events(key: str, count: int, session: str = "s1") -> bytes:
    def one(number: int) -> dict[str, object]:
        return {
            "event_type": "[Agent] User Message",
            "user_id": "user-1",
            "time": 1_790_000_000_000 + number,
            "insert_id": f"{session}-{number}",
            "event_properties": {
                "[Agent] Session ID": session,
                "[Agent] Trace ID": f"t{number}",
                "[Agent] Agent ID": "bot",
                "$llm_message": {"text": "hello there"},
            },
        }

    return json.dumps({"api_key": key, "events": [one(number) for number in range(count)]}).encode()


def test_what_is_sent_becomes_a_session_and_is_told_of(store: Store, key: str) -> None:
    with running(store) as (receiver, told):
        assert ask(receiver.port, "POST", "/2/httpapi", events(key, 3))[0] == 200
        sessions = open_workspace(store, "bots").sessions
        until(lambda: [row.turns for row in sessions.first_page(*_everything())] == [3])
        until(lambda: told and (told[-1].events, told[-1].waiting) == (3, 0))
        assert told[-1].last_ms is not None and told[-1].problems == 0
        (row,) = receivers.running(store, SystemClock())
        assert (row.port, row.host, row.pid) == (receiver.port, "127.0.0.1", os.getpid())
        until(lambda: receivers.running(store, SystemClock())[0].events == 3)
        assert ask(receiver.port, "POST", "/v1/traces", b"{}", x_api_key="no")[0] == 401
        until(lambda: told[-1].refused == {401: 1})
    assert receivers.running(store, SystemClock()) == []


def _everything() -> tuple[object, object]:
    from aa_tui.backend.model.filter import Filter, Sort

    return Filter(), Sort()


def test_an_end_maps_what_was_acknowledged(store: Store, key: str) -> None:
    with running(store) as (receiver, _):
        for number in range(30):
            assert ask(receiver.port, "POST", "/batch", events(key, 40, f"s{number}"))[0] == 200
    assert ProjectService(store).get("bots").sessions == 30


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"POST /2/httpapi HTTP/1.1\r\nHost: 127.0.0.1\r\n",
        b"POST /2/httpapi HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{",
    ],
    ids=["nothing", "half a head", "half a body"],
)
def test_a_client_that_stops_is_let_go(store: Store, sent: bytes) -> None:
    with running(store, QUICK) as (receiver, _), closing(raw(receiver.port)) as connection:
        begun = time.monotonic()
        connection.sendall(sent)
        answer = rest(connection)
        assert time.monotonic() - begun < 20
        assert (b" 408 " in answer) == sent.endswith(b"{")
        assert ask(receiver.port, "GET", "/healthz")[0] == 200


def test_a_client_that_sends_a_byte_now_and_then_is_let_go(store: Store) -> None:
    with running(store, QUICK) as (receiver, _), closing(raw(receiver.port)) as connection:
        begun = time.monotonic()
        with pytest.raises(OSError):
            for piece in b"POST /2/httpapi HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: " + b"x" * 200:
                connection.sendall(bytes([piece]))
                time.sleep(0.05)
        assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 60_000,
        b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"".join(b"X-%d: 1\r\n" % n for n in range(200)) + b"\r\n",
        b"GET /" + b"a" * 60_000 + b" HTTP/1.1\r\n",
    ],
    ids=["long", "many", "path"],
)
def test_a_head_has_limits(store: Store, head: bytes) -> None:
    with running(store, QUICK) as (receiver, _), closing(raw(receiver.port)) as connection:
        connection.sendall(head)
        answer = rest(connection)
    assert answer.startswith(b"HTTP/1.1 431 ") and json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == 431


def test_what_is_no_http_is_answered_in_json(store: Store) -> None:
    with running(store, QUICK) as (receiver, _), closing(raw(receiver.port)) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hello\r\n\r\n")
        answer = rest(connection)
    assert answer.startswith(b"HTTP/1.1 400 ") and json.loads(answer.partition(b"\r\n\r\n")[2])["code"] == 400


def test_pipelining_is_bounded(store: Store) -> None:
    with running(store, QUICK) as (receiver, _), closing(raw(receiver.port)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 1000)
        assert rest(connection).count(b"HTTP/1.1 200 OK") < 10


def test_a_refused_large_body_still_gets_its_answer_read(store: Store) -> None:
    """The SDK halves its batch on 413; were the connection reset under its upload, it would send the same for ever."""
    with running(store) as (receiver, _):
        status, body = ask(receiver.port, "POST", "/2/httpapi", b" " * 24_000_000)
        assert (status, json.loads(body)["code"]) == (413, 413)
        status, body = ask(receiver.port, "POST", "/v1/traces", b" " * 8 * MIB, content_type="application/x-protobuf")
        assert status == 401


def test_a_body_that_never_ends_is_cut_off_after_its_refusal(store: Store) -> None:
    with running(store, QUICK) as (receiver, _), closing(raw(receiver.port)) as connection:
        connection.sendall(
            b"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        begun = time.monotonic()
        with pytest.raises(OSError):
            while time.monotonic() - begun < 30:
                connection.sendall(b"3e8\r\n" + b" " * 1000 + b"\r\n")
                time.sleep(0.02)
        assert time.monotonic() - begun < 20


def test_idle_connections_make_room_for_new_ones(store: Store) -> None:
    with running(store, QUICK) as (receiver, _):
        held = []
        for _ in range(QUICK.connections):
            connection = raw(receiver.port)
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            held.append(connection)
        assert ask(receiver.port, "GET", "/healthz")[0] == 200
        for connection in held:
            connection.close()


def test_connections_that_all_work_are_not_displaced(store: Store) -> None:
    with running(store, QUICK) as (receiver, _):
        until(lambda: not receiver._server.server_state.connections)
        held = [raw(receiver.port) for _ in range(QUICK.connections)]
        for connection in held:
            connection.sendall(b"POST /2/httpapi HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        until(lambda: len(receiver._server.server_state.connections) == QUICK.connections)
        with closing(raw(receiver.port)) as one_more:
            answer = rest(one_more)
        assert answer.startswith(b"HTTP/1.1 503 ") and b"retry-after: " in answer
        for connection in held:
            connection.close()
        until(lambda: ask(receiver.port, "GET", "/healthz")[0] == 200)


def test_answers_do_not_wait_for_more_to_send(store: Store) -> None:
    """With Nagle's algorithm on, head and body of an answer leave 40 ms apart."""
    with running(store, QUICK) as (receiver, _), closing(raw(receiver.port)) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        connection.recv(1000)
        for one in receiver._server.server_state.connections:
            accepted = one.transport.get_extra_info("socket")
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) == 1


def test_both_loopbacks_are_listened_at_and_no_other_address(store: Store) -> None:
    options = ReceiverOptions(port=0)
    sockets = listen(options)
    try:
        bound = [one.getsockname()[:2] for one in sockets]
        assert bound[0][0] == "127.0.0.1" and {host for host, _ in bound} <= {"127.0.0.1", "::1"}
        assert len({port for _, port in bound}) == 1
        with pytest.raises(UsageError, match="taken") as taken:
            listen(ReceiverOptions(port=bound[0][1]))
        assert "--port" in (taken.value.hint or "")
    finally:
        for one in sockets:
            one.close()
    with pytest.raises(UsageError, match="no address"):
        listen(ReceiverOptions(host="no such host", port=0))


def test_a_receiver_that_died_is_not_believed_to_run(store: Store) -> None:
    clock = FrozenClock(1_790_000_000_000)
    here = receivers.describe("127.0.0.1", 4318, clock.now_ms())
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    receivers.Presence(store, clock, here).tell(1, 0, 0)
    dead = receivers.Presence(store, clock, _with(here, owner="dead", pid=gone.pid))
    dead.tell(1, 0, 0)
    elsewhere = receivers.Presence(store, clock, _with(here, owner="far", machine="elsewhere", pid=gone.pid))
    elsewhere.tell(1, 0, 0)
    assert {one.owner for one in receivers.running(store, clock)} == {here.owner, "far"}
    before = store.change_counter()
    clock.advance(receivers.RENEW_MS - 1)
    assert not elsewhere.tell(1, 0, 0) and store.change_counter() == before, "nothing new is nothing written"
    clock.advance(2)
    assert elsewhere.tell(1, 0, 0), "but that it is there still"
    clock.advance(receivers.LEASE_MS)
    assert [one.owner for one in receivers.running(store, clock)] == ["far"]
    elsewhere.withdraw()
    assert receivers.running(store, clock) == []


def _with(one: receivers.RunningReceiver, **other: object) -> receivers.RunningReceiver:
    from dataclasses import replace

    return replace(one, **other)  # type: ignore[arg-type]


# --- the verb, in a process of its own -----------------------------------------------------------------------------


@contextmanager
def served(tmp_path: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    command = [sys.executable, "-m", "aa_tui", "--store", str(tmp_path / "store.db"), "serve", "--port", "0", *words]
    child = subprocess.Popen(
        [*command, "--json"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout is not None
        listening = json.loads(child.stdout.readline())
        assert listening["event"] == "listening"
        yield child, listening["port"]
    finally:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            if pipe is not None:
                pipe.close()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0), (signal.SIGHUP, 0)])
def test_a_signal_ends_it_with_everything_mapped(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with served(tmp_path, "--access-log") as (child, port):
        store = open_store(str(tmp_path / "store.db"))
        key = ProjectService(store).list()[0].api_key
        for session in range(20):
            assert ask(port, "POST", "/2/httpapi", events(key, 20, f"s{session}"))[0] == 200
        child.send_signal(number)
        out, err = child.communicate(timeout=30)
        lines = [json.loads(line) for line in out.splitlines()]
        assert (child.returncode, lines[-1]["event"], lines[-1]["events"], lines[-1]["waiting"]) == (
            code,
            "stopped",
            400,
            0,
        )
        assert ProjectService(store).list()[0].sessions == 20
        assert receivers.running(store, SystemClock()) == []
        store.close()
    assert key not in out + err and "hello there" not in err
    assert err.count("127.0.0.1 POST /2/httpapi 200 ") == 20
    assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" in err and "/2/httpapi" in err


def test_it_ends_when_whoever_started_it_is_gone(tmp_path: Path) -> None:
    with served(tmp_path, "--with-parent") as (child, _):
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(timeout=20) == 0


def test_its_memory_stays_within_bounds(tmp_path: Path) -> None:
    """Bombs, large bodies of strangers and of friends at once: never 200 MB more than at rest."""
    with served(tmp_path) as (child, port):
        key = ProjectService(open_store(str(tmp_path / "store.db"))).list()[0].api_key
        bomb = gzip.compress(bytes(100 * MIB), 9)
        packed = {"content_encoding": "gzip", "x_api_key": key, "content_type": "application/x-protobuf"}
        jobs: list[tuple[str, bytes, dict[str, str]]] = [
            ("/v1/traces", bomb, packed),
            ("/otlp/v1/logs", bomb, packed),
            ("/2/httpapi", bomb, {"content_encoding": "gzip"}),
            ("/batch", b"[" * 19_000_000, {}),
            ("/2/httpapi", b'{"api_key":"stranger","events":[' + b"{}," * 6_000_000 + b"{}]}", {}),
            ("/v1/traces", os.urandom(30 * MIB), {"x_api_key": key, "content_type": "application/x-protobuf"}),
            ("/v1/traces", b"[" + b"{}," * 6_000_000 + b"{}]", {"x_api_key": key}),
            ("/v1/traces", b"\n\x00" * 15 * MIB, {"x_api_key": key, "content_type": "application/x-protobuf"}),
            ("/batch", json.dumps({"api_key": key}).encode()[:-1] + b',"events":[' + b"{}," * 6_000_000 + b"{}]}", {}),
        ]
        before = _memory(child.pid)
        answers: list[int] = []
        threads = [
            threading.Thread(target=lambda job: answers.append(ask(port, "POST", *job[:2], **job[2])[0]), args=(job,))
            for job in jobs * 3
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(answers) <= {400, 408, 413, 429} and len(answers) == len(threads)
        grown = _memory(child.pid, peak=True) - before
        assert grown < 200 * MIB, f"{grown / MIB:.0f} MiB more"
        assert ask(port, "GET", "/healthz")[0] == 200


def _memory(pid: int, peak: bool = False) -> int:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        pytest.skip("no /proc here")
    found = re.search(rf"^{'VmHWM' if peak else 'VmRSS'}:\s+(\d+) kB", text, re.MULTILINE)
    assert found is not None
    return int(found[1]) * 1024
