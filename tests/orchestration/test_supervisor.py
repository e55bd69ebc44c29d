"""The supervisor, tried on small services: order, readiness, crashes, ends, and what a kill -9 leaves."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from lake import log_files
from orchestration import processes
from orchestration import supervisor as supervisor_module
from orchestration.probes import answers, listens
from orchestration.supervisor import Service, ServiceError, Supervisor, tail


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def web(name: str, **options: object) -> Service:
    port = free_port()
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    return Service(
        name,
        command,
        dict(os.environ),
        answers(port, "/"),
        address=f"http://127.0.0.1:{port}",
        **options,  # type: ignore[arg-type]
    )


def script(name: str, code: str, **options: object) -> Service:
    return Service(name, [sys.executable, "-c", code], dict(os.environ), lambda: True, **options)  # type: ignore[arg-type]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervisor]]:
    made: list[Supervisor] = []

    def make(*services: Service) -> Supervisor:
        made.append(Supervisor(tmp_path / "run", tmp_path / "logs", services))
        return made[-1]

    yield make
    for supervisor in made:
        supervisor.stop()


def pid_of(supervisor: Supervisor, name: str) -> int:
    return int(next(s["pid"] for s in supervisor.status() if s["name"] == name))


def state_of(supervisor: Supervisor, name: str) -> str:
    return str(next(s["state"] for s in supervisor.status() if s["name"] == name))


def test_services_start_in_order_of_need_and_end_in_reverse(
    tmp_path: Path, supervise: Callable[..., Supervisor]
) -> None:
    order: list[str] = []
    base = web("base", after=lambda: order.append("base ready"))
    upper = web("upper", needs=("base",), before=lambda: order.append("upper starts"))
    # An end is seen by the log of the process itself.
    told = tmp_path / "ends"
    code = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    open({str(told)!r}, 'a').write(sys.argv[1] + '\\n'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('up', flush=True)\n"
        "time.sleep(60)"
    )
    low = script("low", code)
    high = script("high", code, needs=("low",))
    for service in (low, high):
        service.command.append(service.name)  # type: ignore[attr-defined]
    supervisor = supervise(upper, base, high, low)
    supervisor.start()
    supervisor.wait()
    assert order == ["base ready", "upper starts"]
    wait_until(lambda: all("up" in tail(tmp_path / "logs" / f"{n}.log") for n in ("low", "high")), "handlers set")
    pids = [pid_of(supervisor, name) for name in ("upper", "base", "low", "high")]
    supervisor.stop()
    assert told.read_text().split() == ["high", "low"]
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert {s["state"] for s in supervisor.status()} == {"stopped"}
    assert processes.records(tmp_path / "run") == []


def test_a_service_that_ends_at_its_start_is_told_with_the_end_of_its_log(supervise: Callable[..., Supervisor]) -> None:
    broken = Service(
        "broken", [sys.executable, "-c", "raise SystemExit('no such table')"], dict(os.environ), lambda: False
    )
    supervisor = supervise(broken, web("other", needs=("broken",)))
    supervisor.start()
    with pytest.raises(ServiceError, match=r"broken ended with code 1 while it started(.|\n)*no such table"):
        supervisor.wait("other")
    assert supervisor.status()[1]["pid"] is None, "what needs it is not started"


def test_a_service_that_is_never_ready_is_given_up_in_time(supervise: Callable[..., Supervisor]) -> None:
    slow = Service(
        "slow",
        [sys.executable, "-c", "import time; time.sleep(60)"],
        dict(os.environ),
        lambda: False,
        start_seconds=0.5,
    )
    supervisor = supervise(slow)
    supervisor.start()
    with pytest.raises(ServiceError, match="slow was not ready after"):
        supervisor.wait()


def test_a_command_that_does_not_exist_is_an_error_of_that_service(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(Service("absent", ["/no/such/program"], dict(os.environ), lambda: True))
    supervisor.start()
    with pytest.raises(ServiceError, match="/no/such/program"):
        supervisor.wait()


def test_a_crashed_service_is_started_again(supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(web("page"))
    supervisor.start()
    supervisor.wait()
    first = pid_of(supervisor, "page")
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: supervisor.status()[0]["restarts"] == 1 and state_of(supervisor, "page") == "ready", "a restart")
    assert pid_of(supervisor, "page") != first


def test_a_service_s_log_is_kept_within_bounds_while_it_runs(
    tmp_path: Path, supervise: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor_module, "bound", lambda log: log_files.bound(log, 5_000))
    talk = "import time\nfor n in range(10**6): print(f'line {n:05}', flush=True); time.sleep(0.001)"
    supervisor = supervise(script("talker", talk))
    supervisor.start()
    kept = tmp_path / "logs" / "talker.log.1"
    wait_until(kept.exists, "its end is kept beside it")
    assert kept.stat().st_size <= 5_000
    assert state_of(supervisor, "talker") == "ready"


def test_a_service_that_crashes_again_and_again_is_given_up(
    supervise: Callable[..., Supervisor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.supervisor._BACKOFF", (0.01, 0.01))
    code = "import time; time.sleep(0.3); raise SystemExit('boom')"
    supervisor = supervise(script("fickle", code))
    supervisor.start()
    wait_until(lambda: state_of(supervisor, "fickle") == "failed", "a final failure")
    assert "3 times in a row" in supervisor.status()[0]["error"]
    assert "boom" in supervisor.status()[0]["error"]


def test_one_that_ignores_the_request_to_end_is_killed_with_its_children(
    tmp_path: Path, supervise: Callable[..., Supervisor]
) -> None:
    code = (
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(90)'], start_new_session=True)\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)"
    )
    supervisor = supervise(script("stubborn", code, grace=0.3))
    supervisor.start()
    supervisor.wait()
    log = tmp_path / "logs" / "stubborn.log"
    wait_until(lambda: tail(log, lines=1).isdigit(), "the child's pid")
    child = int(tail(log, lines=1))
    supervisor.stop()
    # The child is in a session of its own; its inherited mark tells that it is ours.
    wait_until(
        lambda: not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE, "its end"
    )


HOLDER = """
import os, sys, time
from pathlib import Path
from orchestration.probes import listens
from orchestration.supervisor import Service, Supervisor
port = int(sys.argv[2])
service = Service("page", [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)], dict(os.environ), listens(port))
supervisor = Supervisor(Path(sys.argv[1]) / "run", Path(sys.argv[1]) / "logs", [service])
supervisor.start()
supervisor.wait()
print("ready", flush=True)
time.sleep(60)
"""


def hold(tmp_path: Path, port: int) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path), str(port)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n"
    return holder


def test_the_watchdog_ends_the_services_of_a_killed_supervisor(tmp_path: Path) -> None:
    port = free_port()
    holder = hold(tmp_path, port)
    holder.kill()
    holder.wait()
    wait_until(lambda: not listens(port)(), "the service's end")
    wait_until(lambda: not processes.records(tmp_path / "run"), "the record's end")


def test_after_a_kill_of_everything_the_next_start_ends_what_is_left(tmp_path: Path) -> None:
    port = free_port()
    holder = hold(tmp_path, port)
    guards = [p for p in psutil.Process(holder.pid).children() if "orchestration.processes" in p.cmdline()]
    assert len(guards) == 1
    guards[0].kill()
    holder.kill()
    holder.wait()
    assert listens(port)()
    left = processes.reap(tmp_path / "run")
    assert [name.partition(" ")[0] for name in left] == ["page"]
    assert not listens(port)()
    assert processes.reap(tmp_path / "run") == []


def test_a_recorded_pid_that_is_somebody_elses_by_now_is_left_alone(tmp_path: Path) -> None:
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        record = processes.remember(tmp_path, "page", other.pid, "token")
        stranger = processes.Record(record.name, record.pid, record.born - 100, record.token)
        processes.write_json(tmp_path / "page.json", vars(stranger))
        assert processes.reap(tmp_path) == []
        assert other.poll() is None
        assert processes.recall(tmp_path, "page") is None
    finally:
        other.kill()
        other.wait()


def test_another_homes_processes_are_left_alone(tmp_path: Path, supervise: Callable[..., Supervisor]) -> None:
    supervisor = supervise(web("page"))
    supervisor.start()
    supervisor.wait()
    elsewhere = tmp_path / "elsewhere" / "run"
    elsewhere.mkdir(parents=True)
    assert processes.reap(elsewhere) == []
    assert processes.reap(tmp_path / "run", but=supervisor.token) == []
    assert psutil.pid_exists(pid_of(supervisor, "page"))


def test_a_record_cut_short_by_a_kill_is_no_record(tmp_path: Path) -> None:
    (tmp_path / "page.json").write_text('{"name": "pa')
    assert processes.records(tmp_path) == []
