"""The sandbox as a process: its ready line, its port, its end, and what a kill leaves."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from narration.sandbox.launch import command
from tests.sandbox.conftest import PATIENCE_S

pytestmark = pytest.mark.slow

Start = Callable[..., Any]
ROOT = Path(__file__).parents[2]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "narration.sandbox", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=PATIENCE_S, cwd=ROOT, check=False)


def voice_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["output"]["voice"])


def link_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["output"]["audio"]["url"])


def test_a_ready_line_a_clean_stop_and_nothing_else_on_stdout(start: Start, tmp_path: Path) -> None:
    process = start(state=tmp_path / "new" / "state")
    port = process.ready["port"]
    assert process.ready == {
        "base_url": f"http://127.0.0.1:{port}/api/v1",
        "port": port,
        "pid": process.popen.pid,
        "state": str(tmp_path / "new" / "state"),
    }
    assert process.bill()["calls"] == 0
    process.popen.send_signal(signal.SIGTERM)
    out, complaints = process.popen.communicate(timeout=PATIENCE_S)
    assert (process.popen.returncode, out, complaints) == (0, "", "")


@pytest.mark.parametrize("way", ["interrupt", "stdin"])
def test_it_ends_at_once_even_when_it_hangs(start: Start, way: str) -> None:
    process = start(switches={"hang_after": 1.0})
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(process.create)
        while process.bill()["voices_created"] == 0:
            time.sleep(0.01)
        if way == "stdin":
            process.popen.stdin.close()
        else:
            process.popen.send_signal(signal.SIGINT)
        assert process.popen.wait(timeout=PATIENCE_S) == 0  # it hangs for an hour otherwise
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):  # and nobody gave up waiting for it
            hanging.result()
    assert process.popen.stderr.read() == ""


def test_yesterdays_voice_link_and_port_answer_today(start: Start, tmp_path: Path) -> None:
    first = start(state=tmp_path, engine="espeak")
    voice = voice_of(first.create())
    url = link_of(first.speak(voice))
    sound = first.client.get(url).content
    bill = first.bill()
    first.popen.kill()
    first.popen.wait()

    second = start(state=tmp_path, engine="espeak")
    assert second.ready["port"] == first.ready["port"]
    assert second.bill() == bill
    assert second.client.get(url).content == sound
    again = second.client.get(link_of(second.speak(voice))).content
    assert again == sound
    second.popen.kill()
    second.popen.wait()

    emptied = start(state=tmp_path, engine="espeak", reset=True)
    assert emptied.bill()["calls"] == 0
    assert emptied.speak(voice).status_code == 400
    assert emptied.client.get(url).status_code == 404


def test_whatever_was_answered_is_on_the_bill_after_a_kill(start: Start, tmp_path: Path) -> None:
    process = start(state=tmp_path)
    voice = voice_of(process.create())
    answered: list[str] = []

    def buy(number: int) -> None:
        try:
            answered.append(process.speak(voice, f"Line {number}.").json()["request_id"])
        except httpx.TransportError:
            return
        if len(answered) >= 150:  # more, where two threads are here at once
            process.popen.kill()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(buy, range(400)))
    process.popen.wait()
    after = start(state=tmp_path)
    rows = after.client.get(f"{after.root}/sandbox/bill/rows").json()["rows"]
    billed = [row["request_id"] for row in rows]
    assert len(billed) == len(set(billed))
    assert set(answered) <= set(billed)
    assert 150 <= len(answered) <= len(billed) <= len(answered) + 4


def test_two_processes_share_one_state(start: Start, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: start(state=tmp_path, switches={"voice_quota": 10}), range(2))
    assert one.ready["port"] != two.ready["port"]
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda number: (one, two)[number % 2].create(), range(30)))
    assert sorted(answer.status_code for answer in made) == [200] * 10 + [400] * 20
    voice = voice_of(next(answer for answer in made if answer.status_code == 200))
    with ThreadPoolExecutor(8) as pool:
        spoken = list(pool.map(lambda number: (one, two)[number % 2].speak(voice, f"Line {number}."), range(60)))
    assert {answer.status_code for answer in spoken} == {200}
    assert one.bill() == two.bill()
    assert (one.bill()["synthesized"], one.bill()["voices_kept"]) == (60, 10)
    assert one.client.get(link_of(spoken[1])).status_code == 200


def test_connections_are_dropped_and_cut_as_asked(start: Start) -> None:
    process = start()
    voice = voice_of(process.create())
    url = link_of(process.speak(voice))
    process.switch(cut=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        process.client.get(url)
    process.switch(cut=0, drop_before=1)
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
        process.speak(voice)
    process.switch(drop_before=0, drop_after=1)
    with pytest.raises(httpx.RemoteProtocolError, match="disconnected"):
        process.speak(voice, "Paid, and lost.")
    process.switch(drop_after=0)
    assert process.bill()["answers_lost"] == 1
    assert process.client.get(url).status_code == 200
    process.popen.terminate()
    assert process.popen.communicate(timeout=PATIENCE_S) == ("", "")


def test_a_cut_stream_ends_in_the_middle(start: Start) -> None:
    process = start(switches={"cut": 1.0})
    body = {
        "model": "qwen3-tts-vd-2026-01-26",
        "input": {"text": "Nobody spoke until the kettle began to sing.", "voice": voice_of(process.create())},
    }
    headers = {"authorization": "Bearer sk-test", "x-dashscope-sse": "enable"}
    path = "/api/v1/services/aigc/multimodal-generation/generation"
    with pytest.raises(httpx.RemoteProtocolError):
        process.client.post(f"{process.root}{path}", json=body, headers=headers)


def test_a_port_in_use_is_one_line_and_exit_code_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run("--engine", "tone", "--port", str(port))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"sandbox: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


def test_a_port_that_is_none_is_one_line_and_exit_code_2() -> None:
    done = run("--engine", "tone", "--port", "70000")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "port 70000" in done.stderr


def test_a_wrong_switch_is_one_line_and_exit_code_2() -> None:
    done = run("--engine", "tone", "--rate-500", "2")
    assert done.returncode == 2
    assert done.stderr.startswith("sandbox: switch `rate_500`")
    assert done.stderr.count("\n") == 1


def test_a_log_never_holds_a_key(start: Start) -> None:
    process = start(verbose=True)
    process.create()
    process.speak("nobody")
    process.popen.terminate()
    _, log = process.popen.communicate(timeout=PATIENCE_S)
    assert "create" in log
    assert "400 InvalidParameter" in log
    assert "sk-test" not in log


def test_the_command_starts_without_loading_a_server() -> None:
    program = "import sys, narration.sandbox.launch; sys.exit('uvicorn' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
    assert command(port=1)[-2:] == ["--port", "1"]
