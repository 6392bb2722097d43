"""The ASGI application: one request from its first check to its answer.

Invariant: the order of checks is key, JSON, model, rate limit, then the family's own (fields, length, voice,
moderation), then work; every request to the service is recorded once, whatever became of it.
"""

import asyncio
import json
import logging
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from narration.sandbox import (
    audio,
    chat,
    cosyvoice_design,
    cosyvoice_socket,
    cosyvoice_speech,
    design,
    gateway,
    hearing,
    panel,
    realtime,
    synthesis,
    wire,
)
from narration.sandbox.calls import UNKNOWN_ACTION, Call, House, Outcome, account_of, worked
from narration.sandbox.descriptions import Chance
from narration.sandbox.engine import Engine
from narration.sandbox.faults import (
    ACTIONS,
    CALL_FAULTS,
    CHAT_FAULTS,
    DOWNLOAD_FAULTS,
    SPEECH_FAULTS,
    Switchboard,
    Switches,
)
from narration.sandbox.files import Shelf
from narration.sandbox.launch import ACCOUNT_FILE
from narration.sandbox.limits import Limiter, throttled
from narration.sandbox.links import Links
from narration.sandbox.models import (
    COMPLETIONS,
    CUSTOMIZATION,
    GENERATION,
    INFERENCE,
    REALTIME,
    SYNTHESIZER,
    TASK_GENERATION,
    TRANSCRIPTIONS,
    Family,
    family_of,
)
from narration.sandbox.speaker import Speaker
from narration.sandbox.state import CallRow, State
from narration.sandbox.wire import DroppedError, RefusedError

log = logging.getLogger(__name__)

Handler = Callable[[House, Call], Awaitable[Outcome]]
Refusal = Callable[[RefusedError, str], Response]
HANDLERS: Mapping[Family, Handler] = {
    Family.QWEN_DESIGN: design.answer,
    Family.QWEN_SPEECH: synthesis.answer,
    Family.COSY_DESIGN: cosyvoice_design.answer,
    Family.COSY_SPEECH: cosyvoice_speech.answer,
    Family.TASK_DESIGN: gateway.design_task,
    Family.TASK_SPEECH: gateway.speech_task,
    Family.CHAT: chat.answer,
    Family.RECOGNITION: hearing.vendor_answer,
    Family.TRANSCRIPTION: hearing.openai_answer,
}
ACTION_NAMES: Mapping[str, str] = {**dict(zip(ACTIONS, ACTIONS, strict=True)), **cosyvoice_design.ACTIONS}
"""What the record and the faults call the action of a request."""
PATH_ACTIONS = {GENERATION: "synthesize", SYNTHESIZER: "synthesize", COMPLETIONS: "chat", TRANSCRIPTIONS: "transcribe"}
HEARING = frozenset({Family.RECOGNITION, Family.TRANSCRIPTION})

_HOST = re.compile(r"[A-Za-z0-9.\-]+(?::\d+)?|\[[0-9a-fA-F:]+\](?::\d+)?")
_FILES_KEPT_S = 2 * 86_400


@dataclass(slots=True)
class _Progress:
    """What is known of a request so far, for the record of a refusal."""

    request_id: str
    action: str
    account: str = ""
    model: str = ""


class Service:
    """The routes of the service over one state folder."""

    def __init__(
        self,
        folder: Path,
        engine: Engine,
        switches: Switches,
        *,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        state, self.shelf = State(folder), Shelf(folder)
        kept_since_s = clock() - max(_FILES_KEPT_S, 2 * switches.url_life_s)
        self.shelf.prune(kept_since_s)
        state.prune(kept_since_s)
        rng = rng or random.Random()  # noqa: S311 - faults and voices, not secrets
        board = Switchboard(switches, rng)
        self.house = House(
            state=state,
            speaker=Speaker(engine, self.shelf, state, board),
            links=Links(state.secret, clock),
            limiter=Limiter(monotonic),
            switchboard=board,
            chance=Chance(rng),
            clock=clock,
        )

    def close(self) -> None:
        """Wake what waits, and close the state."""
        self.house.closing.set()
        self.house.speaker.close()
        self.house.state.close()

    def reset(self) -> None:
        """Empty the state: voices, bill, files, rate windows. The switches stay."""
        self.house.state.reset()
        self.shelf.reset()
        self.house.limiter.reset()
        (self._folder / ACCOUNT_FILE).unlink(missing_ok=True)

    async def call(self, request: Request) -> Response:
        """Answer one request to the API."""
        action = PATH_ACTIONS.get(request.url.path, UNKNOWN_ACTION)
        progress = _Progress(wire.new_request_id(), action)
        refusal = chat.refusal if action in ("chat", "transcribe") else wire.refusal
        return await self._told(self._answer(request, progress), progress, refusal)

    async def create_task(self, request: Request) -> Response:
        """Answer one request to the gateway that makes a task."""
        progress = _Progress(wire.new_request_id(), UNKNOWN_ACTION)
        return await self._told(self._answer(request, progress), progress, gateway.refusal)

    async def task(self, request: Request) -> Response:
        """Answer one look at a task of the gateway."""
        progress = _Progress(wire.new_request_id(), "poll")
        return await self._told(self._look(request, progress), progress, gateway.refusal)

    async def credits(self, request: Request) -> Response:
        """Answer what is left in an account of the gateway."""
        progress = _Progress(wire.new_request_id(), "list", model="qwen-voice-design")
        return await self._told(self._look(request, progress), progress, gateway.refusal)

    async def _told(self, work: Awaitable[Response], progress: _Progress, refusal: Refusal) -> Response:
        """Return the answer, or the refusal as this interface words it."""
        try:
            return await work
        except RefusedError as error:
            self._record(progress, error.status, error.code)
            log.info("%s %s: %d %s", progress.action, progress.request_id, error.status, error.code)
            return refusal(error, progress.request_id)
        except ClientDisconnect:
            # Whoever asked is gone before the request was whole: there is nobody to answer.
            self._record(progress, 0, "client_gone", answered=False)
            return Response()

    async def _answer(self, request: Request, progress: _Progress) -> Response:
        """Check and answer one request.

        Raises:
            RefusedError: the service refuses it.
            DroppedError: the connection is to be cut.
        """
        house, switches = self.house, self.house.switchboard.now
        progress.account = account_of(request.headers.get("authorization", ""), house.switchboard.now)
        body = _body(request, await request.body())
        given = body.get("input")
        if progress.action == UNKNOWN_ACTION and isinstance(given, dict) and isinstance(given.get("action"), str):
            progress.action = ACTION_NAMES.get(given["action"], UNKNOWN_ACTION)
        progress.model = str(body.get("model") or "")[:128]
        family = family_of(body.get("model"), request.url.path, switches.retired)
        progress.action = "transcribe" if family in HEARING else gateway.ACTIONS.get(family, progress.action)
        _check_headers(request)
        kinds = CHAT_FAULTS if family is Family.CHAT else () if family in HEARING else SPEECH_FAULTS
        faults = house.switchboard.draw((*CALL_FAULTS, *kinds), progress.action)
        with house.limiter.admit(progress.account, progress.model, switches):
            await self._before(faults, progress)
            call = _call(request, body, progress, faults, house)
            outcome = await worked(HANDLERS[family](house, call))
            await self._after(faults)
        log.info("%s %s: answered", progress.action, progress.request_id)
        return _response(outcome, call)

    async def _look(self, request: Request, progress: _Progress) -> Response:
        house = self.house
        progress.account = account_of(request.headers.get("authorization", ""), house.switchboard.now)
        faults = house.switchboard.draw(CALL_FAULTS, progress.action)
        await self._before(faults, progress)
        if (task_id := request.path_params.get("task_id")) is None:
            body = gateway.balance(house)
        else:
            origin = _origin(request, house.switchboard.now.url_scheme)
            body = gateway.task(house, progress.account, task_id, origin)
            progress.model = str(body["model"])
        self._record(progress, 200, "")
        await self._after(faults)
        return wire.answer(body, progress.request_id)

    async def _before(self, faults: frozenset[str], progress: _Progress) -> None:
        """Let the faults strike that keep a request from being worked on."""
        if faults & {"drop_before", "hang_before"}:
            self._record(progress, 0, "dropped", answered=False)
            await self._lose(faults, "hang_before")
        if "rate_429" in faults:
            raise throttled("Throttling.RateQuota", self.house.switchboard.now)
        if "rate_500" in faults:
            raise RefusedError(500, "InternalError.Algo", "Inference internal error")

    async def _after(self, faults: frozenset[str]) -> None:
        """Let the faults strike that lose an answer."""
        if faults & {"drop_after", "hang_after"}:
            await self._lose(faults, "hang_after")

    async def _lose(self, faults: frozenset[str], hang: str) -> None:
        if hang in faults:
            await self.house.pause(self.house.switchboard.now.hang_s)
        raise DroppedError

    def _record(self, progress: _Progress, status: int, code: str, *, answered: bool = True) -> None:
        row = CallRow(
            at_s=self.house.clock(),
            account=progress.account,
            model=progress.model,
            action=progress.action,
            request_id=progress.request_id,
            status=status,
            code=code,
            answered=answered,
        )
        self.house.state.record(row)

    async def download(self, request: Request) -> Response:
        """Serve an audio file by its signed link; no key is asked for."""
        house = self.house
        host = request.headers.get("host", "")
        found = house.links.check(request.url.path, request.query_params, host)
        if isinstance(found, Response):
            return found
        house.state.count_download(with_key="authorization" in request.headers)
        data = house.speaker.fetch(found)
        if data is None:
            return wire.xml_error(404, "NoSuchKey", "The specified key does not exist.", host)
        faults = house.switchboard.draw(DOWNLOAD_FAULTS)
        if "download_500" in faults:
            return wire.xml_error(500, "InternalError", "Please contact the server administrator.", host)
        data = audio.restyled(data, house.switchboard.now.wav_header)
        if "truncated_wav" in faults:
            data = data[: audio.HEADER_BYTES + (len(data) - audio.HEADER_BYTES) // 4 * 2]
        if "cut" in faults:
            return wire.CutResponse(data[: len(data) // 2], {"content-length": str(len(data))}, "audio/x-wav")
        return Response(data, media_type="audio/x-wav" if data.startswith(b"RIFF") else "application/octet-stream")


def create_app(service: Service) -> Starlette:
    """Return the ASGI application of a service."""

    async def absent(_request: Request) -> Response:
        request_id = wire.new_request_id()
        return wire.answer(wire.envelope("NotFound", "Not found.", request_id), request_id, 404)

    async def dropped(request: Request, error: Exception) -> Response:
        """Cut the connection; without one, as in a test in the same process, let the error through."""
        transport = getattr(request.state, "transport", None)
        if not isinstance(transport, asyncio.Transport):
            raise error
        transport.abort()
        await asyncio.sleep(0)  # the loss is noticed in the next round of the loop
        return Response()

    everywhere = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    routes = [
        Route(CUSTOMIZATION, service.call, methods=["POST"]),
        Route(GENERATION, service.call, methods=["POST"]),
        Route(COMPLETIONS, service.call, methods=["POST"]),
        Route(TRANSCRIPTIONS, service.call, methods=["POST"]),
        Route(SYNTHESIZER, service.call, methods=["POST"]),
        WebSocketRoute(REALTIME, realtime.endpoint(service.house)),
        Route(TASK_GENERATION, service.create_task, methods=["POST"]),
        Route("/v1/tasks/{task_id}", service.task, methods=["GET"]),
        Route("/v1/credits", service.credits, methods=["GET"]),
        WebSocketRoute(INFERENCE, cosyvoice_socket.endpoint(service.house)),
        WebSocketRoute(f"{INFERENCE}/", cosyvoice_socket.endpoint(service.house)),
        Route("/oss/{rest:path}", service.download, methods=["GET"]),
        *panel.routes(service.house, service.reset),
        Route("/{rest:path}", absent, methods=everywhere),
    ]
    return Starlette(routes=routes, exception_handlers={DroppedError: dropped})


def _body(request: Request, data: bytes) -> Mapping[str, object]:
    """Return the fields of a request: of a form where its path takes one, else of JSON.

    Raises:
        RefusedError: 400 when they cannot be read.
    """
    if request.url.path == TRANSCRIPTIONS:
        return hearing.form_fields(request.headers.get("content-type", ""), data)
    return _json(data)


def _json(data: bytes) -> Mapping[str, object]:
    """Return the body of a request.

    Raises:
        RefusedError: 400 when it is no JSON object.
    """
    try:
        body = json.loads(data)
        if b"\\ud" in data.lower():
            json.dumps(body, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise wire.invalid("Required body invalid, please check the request body format.")
    return body


def _check_headers(request: Request) -> None:
    """Refuse the asynchronous form, which speech does not have."""
    if request.headers.get("x-dashscope-async", "").lower() == "enable":
        raise RefusedError(403, "AccessDenied", "current user api does not support asynchronous calls.")


def _call(
    request: Request, body: Mapping[str, object], progress: _Progress, faults: frozenset[str], house: House
) -> Call:
    """Return the call that a body asks for; fields are read from `parameters` where `input` has none.

    Raises:
        RefusedError: 400 `BadRequest.EmptyInput` without an `input` object.
    """
    if request.url.path == TASK_GENERATION:
        body = {"input": body, "parameters": body}
    whole = request.url.path in (COMPLETIONS, TRANSCRIPTIONS)
    fields = body if whole else body.get("input")
    if not isinstance(fields, dict) or not fields:
        raise RefusedError(400, "BadRequest.EmptyInput", "Required input parameter missing from request.")
    parameters = body.get("parameters")
    if not isinstance(parameters, dict):
        parameters = {}
    return Call(
        request_id=progress.request_id,
        account=progress.account,
        model=progress.model,
        action=progress.action,
        fields={**parameters, **fields},
        parameters=parameters,
        wants_events=request.headers.get("x-dashscope-sse", "").lower() == "enable",
        faults=faults,
        origin=_origin(request, house.switchboard.now.url_scheme),
        at_s=house.clock(),
    )


def _origin(request: Request, scheme: str) -> str:
    """Return the service's address as the caller sees it, or as it is bound when the caller gives none."""
    host = request.headers.get("host", "")
    if _HOST.fullmatch(host) is None:
        bound = request.scope.get("server") or ("127.0.0.1", 80)
        host = f"{bound[0]}:{bound[1]}"
    return f"{scheme}://{host}"


def _response(outcome: Outcome, call: Call) -> Response:
    """Return the response of an outcome: JSON, events, or events cut off half way."""
    if outcome.events is None:
        return wire.answer(outcome.body, call.request_id)
    headers = {"x-request-id": call.request_id, "cache-control": "no-cache"}
    form = wire.bare_event if outcome.is_bare else wire.event
    events = tuple(form(number, body) for number, body in enumerate(outcome.events, 1))
    if outcome.is_bare:
        events = (*events[:-1], events[-1].rstrip())
    if "cut" in call.faults:
        stream = b"".join(events)
        return wire.CutResponse(stream[: len(stream) // 2], headers, "text/event-stream")
    return StreamingResponse(wire.replay(events), 200, headers, "text/event-stream")
