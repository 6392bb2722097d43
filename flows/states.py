"""How a flow run ends, as its state says it: a name for each way of ending, so that an automation can tell them apart.

Invariant: a state is returned and not raised, so that Prefect prints no traceback for what is no bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from prefect.client.schemas.objects import State, StateType

from flows.artifacts import finding_words
from narration.errors import ExitCode, NarrationError
from narration.report.summary import Summary

NAMES: Mapping[ExitCode, str] = MappingProxyType(
    {
        ExitCode.DONE: "Completed",
        ExitCode.OUR_FAULT: "Failed",
        ExitCode.WRONG_INPUT: "WrongInput",
        ExitCode.FINDINGS: "FinishedWithFindings",
        ExitCode.BUDGET: "StoppedByBudget",
        ExitCode.REFUSED: "RefusedByService",
        ExitCode.UNAVAILABLE: "ServiceUnavailable",
        ExitCode.WINDOW: "StoppedByWindow",
        ExitCode.INTERRUPTED: "Interrupted",
    }
)
"""Names of the states; Prefect's events are `prefect.flow-run.<name>`. A run that is killed is `Crashed`."""

_CODES: Mapping[str, ExitCode] = MappingProxyType({name: code for code, name in NAMES.items()})


def outcome_tags(state_name: str) -> tuple[str, ...]:
    """What a run that ended so is tagged with: `outcome:…`, and `exit:…` where the program itself ended it."""
    outcome = f"outcome:{state_name}"
    return (outcome, f"exit:{int(_CODES[state_name])}") if state_name in _CODES else (outcome,)


def ended(code: ExitCode, message: str) -> State[int]:
    """The state that says so; a run that the window stopped is no failure, since the next night goes on."""
    kind = StateType.COMPLETED if code in (ExitCode.DONE, ExitCode.WINDOW) else StateType.FAILED
    return State(type=kind, name=NAMES[code], message=message or None, data=int(code))


def failed(error: NarrationError) -> State[int]:
    """The state of a run that an error ended."""
    return ended(error.exit_code, f"{type(error).__name__}: {error}")


def book_ended(summary: Summary) -> State[int]:
    """The state of a book's run: with the reason, or with the first finding."""
    failure = summary.failure
    if failure is not None:
        return ended(summary.exit_code, f"{type(failure).__name__}: {failure}")
    if summary.exit_code is ExitCode.FINDINGS:
        return ended(ExitCode.FINDINGS, f"Something is to be looked at. {finding_words(summary.findings[0])}")
    return ended(summary.exit_code, "")
