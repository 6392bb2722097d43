"""The sandbox's own pages, which the real service does not have: the bill, the switches, a reset.

Invariant: nothing here is billed or limited, and nothing here shows a key.
"""

import html
import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from narration.sandbox.calls import House
from narration.sandbox.faults import BadSwitchError

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5"><title>Sandbox bill</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; width: 100%; margin: 1rem 0; }}
td, th {{ border-bottom: 1px solid #ccc; padding: .2rem .5rem; text-align: left; vertical-align: top; }}
td:last-child {{ overflow-wrap: anywhere; }}
</style></head><body>
<h1>Sandbox bill</h1>
<p>An offline speech service. Nothing here costs money.</p>
<table>{bill}</table>
<h2>Switches that are not at their default</h2>
<table>{switches}</table>
</body></html>
"""


def routes(house: House, reset: Callable[[], None]) -> list[Route]:
    """Return the routes under `/sandbox`."""

    async def bill(_request: Request) -> Response:
        return JSONResponse(house.state.bill())

    async def rows(request: Request) -> Response:
        action = request.query_params.get("action", "synthesize")
        after = request.query_params.get("after", "0")
        if not after.isdecimal():
            return _bad("after should be the id of a row")
        return JSONResponse({"rows": house.state.rows(None if action == "all" else action, int(after))})

    async def callbacks(_request: Request) -> Response:
        return JSONResponse({"rows": house.state.callbacks()})

    async def switches(_request: Request) -> Response:
        return JSONResponse(house.switchboard.now.model_dump(mode="json"))

    async def change(request: Request) -> Response:
        try:
            changes = json.loads(await request.body())
        except ValueError:
            return _bad("the body should be a JSON object of switches")
        if not isinstance(changes, dict):
            return _bad("the body should be a JSON object of switches")
        try:
            house.switchboard.change(changes)
        except BadSwitchError as error:
            return _bad(str(error))
        return await switches(request)

    async def empty(_request: Request) -> Response:
        reset()
        return JSONResponse(house.state.bill())

    async def page(_request: Request) -> Response:
        changed = house.switchboard.now.model_dump(mode="json", exclude_defaults=True)
        return HTMLResponse(_PAGE.format(bill=_table(house.state.bill()), switches=_table(changed or {"none": ""})))

    return [
        Route("/sandbox/bill", bill, methods=["GET"]),
        Route("/sandbox/bill/rows", rows, methods=["GET"]),
        Route("/sandbox/callbacks", callbacks, methods=["GET"]),
        Route("/sandbox/faults", switches, methods=["GET"]),
        Route("/sandbox/faults", change, methods=["PATCH"]),
        Route("/sandbox/reset", empty, methods=["POST"]),
        Route("/sandbox/", page, methods=["GET"]),
        Route("/sandbox", page, methods=["GET"]),
    ]


def _bad(message: str) -> Response:
    return JSONResponse({"code": "InvalidParameter", "message": message}, 400)


def _table(values: dict[str, object]) -> str:
    """Return name and value in table rows; a mapping as `name: value` pairs."""
    lines = []
    for name, value in values.items():
        text = ", ".join(f"{key}: {number}" for key, number in value.items()) if isinstance(value, dict) else value
        lines.append(f"<tr><th>{html.escape(name)}</th><td>{html.escape(str(text))}</td></tr>")
    return "\n".join(lines)
