"""What goes over the wire: error envelopes, response headers, server-sent events.

Invariant: every answer carries its request id in the body and in `x-request-id`, a refusal included.
"""

import json
import uuid
from collections.abc import AsyncIterator, Mapping

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

JSON_TYPE = "application/json"
XML_TYPE = "application/xml"

Body = Mapping[str, object]


class RefusedError(Exception):
    """A request that the service refuses, with the documented status, code and message."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, code, message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class DroppedError(Exception):
    """The connection is to be cut without an answer."""


def new_request_id() -> str:
    """Return a fresh request id, a UUID as the service writes them."""
    return str(uuid.uuid4())


def invalid(message: str) -> RefusedError:
    """Return the 400 `InvalidParameter` refusal with this message."""
    return RefusedError(400, "InvalidParameter", message)


def require(fields: Body, name: str) -> str:
    """Return a text field that must be there and not be empty.

    Raises:
        RefusedError: 400 `InvalidParameter` when it is missing, empty or no string.
    """
    value = fields.get(name)
    if value is None or value == "":
        raise invalid(f"Field required: input.{name}")
    if not isinstance(value, str):
        raise invalid(f"Input should be a valid string: input.{name}")
    return value


def whole_number(fields: Body, name: str, default: int, *, low: int, high: int) -> int:
    """Return an integer field within `low` and `high`.

    Raises:
        RefusedError: 400 `InvalidParameter` when it is no whole number or out of range.
    """
    value = fields.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(f"Input should be a valid integer: {name}")
    if not low <= value <= high:
        raise invalid(f"{name} should be in [{low}, {high}]")
    return value


def encode(body: Body) -> bytes:
    """Encode a body as the service does: compact UTF-8 JSON, non-ASCII as it is."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def envelope(code: str, message: str, request_id: str) -> Body:
    """Return the error envelope. Source: speech service documents, "Error codes"."""
    return {"code": code, "message": message, "request_id": request_id}


def answer(body: Body, request_id: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON response carrying its request id."""
    return Response(encode(body), status, {"x-request-id": request_id, **(headers or {})}, JSON_TYPE)


def refusal(error: RefusedError, request_id: str) -> Response:
    """Return the response of a refusal."""
    return answer(envelope(error.code, error.message, request_id), request_id, error.status, error.headers)


def xml_error(status: int, code: str, message: str, host: str, extra: Mapping[str, str] | None = None) -> Response:
    """Return an error as the object storage words it. Source: Alibaba Cloud OSS, "Error responses"."""
    request_id = uuid.uuid4().hex[:24].upper()
    fields = {"Code": code, "Message": message, "RequestId": request_id, "HostId": host, **(extra or {})}
    lines = "\n".join(f"  <{name}>{_escape(value)}</{name}>" for name, value in fields.items())
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n{lines}\n</Error>\n'
    return Response(text, status, {"x-oss-request-id": request_id}, XML_TYPE)


def event(number: int, body: Body) -> bytes:
    """Return one server-sent event in the service's layout."""
    return b"id:%d\nevent:result\n:HTTP_STATUS/200\ndata:%s\n\n" % (number, encode(body))


def bare_event(_number: int, body: Body) -> bytes:
    """Return one server-sent event with its data and nothing else."""
    return b"data: %s\n\n" % encode(body)


class CutResponse(Response):
    """A response whose connection ends after `part` of its body, although more was promised."""

    def __init__(self, part: bytes, headers: Mapping[str, str], media_type: str) -> None:
        super().__init__(None, 200, headers, media_type)
        self.part = part

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Keep a promised Content-Length as given; promise none of our own."""
        super().init_headers(headers)
        promised = {name.lower() for name in (headers or {})}
        if "content-length" not in promised:
            self.raw_headers = [(name, value) for name, value in self.raw_headers if name != b"content-length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the part and leave; the server closes a response that was left open."""
        del scope, receive
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.part, "more_body": True})


async def replay(events: tuple[bytes, ...]) -> AsyncIterator[bytes]:
    """Yield prepared server-sent events."""
    for item in events:
        yield item


def _escape(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
