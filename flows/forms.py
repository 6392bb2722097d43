"""What the parameter form of a flow says in the Prefect UI.

Invariant: a field has a title and an explanation for a person, and neither is the name that the code has for it.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field


def entry(title: str, description: str, **limits: float) -> Any:  # noqa: ANN401 — as pydantic's own Field
    """One field of the form, for `Annotated`.

    Title and explanation go in beside the schema: Prefect sets a title and a description of its own over those that a
    field has, from the parameter's name and its docstring.

    Args:
        title: of the field.
        description: one sentence under it.
        limits: as pydantic's `Field` takes them (`ge`, `le`, `max_length`).
    """
    return Field(json_schema_extra={"title": title, "description": description}, **limits)  # type: ignore[call-overload, unused-ignore]
