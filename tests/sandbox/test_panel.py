"""The sandbox's own pages."""

from typing import Any

Desk = Any


async def test_the_page_shows_the_bill_and_the_changed_switches(desk: Desk) -> None:
    await desk.voice()
    await desk.switch(poison_words=["<script>"])
    answer = await desk.client.get("/sandbox/")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<th>voices_created</th><td>1</td>" in answer.text
    assert "<th>poison_words</th>" in answer.text
    assert "<script>" not in answer.text
    assert "<th>url_life_s</th>" not in answer.text


async def test_a_reset_empties_everything_but_the_switches(desk: Desk) -> None:
    await desk.switch(rps=3)
    voice = await desk.voice()
    url = (await desk.speak(voice)).json()["output"]["audio"]["url"]
    answer = await desk.client.post("/sandbox/reset")
    assert {answer.json()[name] for name in ("calls", "characters", "voices_created", "voices_kept")} == {0}
    assert (await desk.client.get(url)).status_code == 404
    assert (await desk.design("list")).json()["output"]["total_count"] == 0
    assert (await desk.client.get("/sandbox/faults")).json()["rps"] == 3


async def test_rows_after_something_else_than_a_number_are_400(desk: Desk) -> None:
    assert (await desk.client.get("/sandbox/bill/rows", params={"after": "x"})).status_code == 400
