"""Parts of the pages that are drawn from the code: layers, rooms, libraries, options, variables, keys, the bill."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import defaultdict
from functools import cache
from pathlib import Path

import grimp
import typer
from pydantic import BaseModel

from flows.cli.main import app
from narration import cast, production
from narration.chunks import billed_characters
from narration.services.pricing import cost_usd, price_of

ROOT = Path(__file__).parents[1]


@cache
def _graph() -> grimp.ImportGraph:
    return grimp.build_graph("flows", "narration", include_external_packages=True)


@cache
def _layers() -> dict[str, tuple[str, ...]]:
    """Rooms by layer, from the import contract; a layer of several rooms has its name from the contract's."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    contract = next(one for one in tool["contracts"] if one["type"] == "layers")
    layers = [tuple(room.strip() for room in re.split(r"[:|]", layer)) for layer in contract["layers"]]
    alone = {rooms[0].rpartition(".")[2] for rooms in layers if len(rooms) == 1}
    names = iter([name for name in contract["name"].split(" → ") if name not in alone])
    return {rooms[0].rpartition(".")[2] if len(rooms) == 1 else next(names): rooms for rooms in layers}


def _layer_of(module: str) -> str:
    for name, rooms in _layers().items():
        if any(module == room or module.startswith(f"{room}.") for room in rooms):
            return name
    return ""


def layers() -> str:
    """The layers with the imports between them, as Mermaid draws it; what follows from other arrows is left out."""
    graph, order = _graph(), list(_layers())
    below: dict[str, set[str]] = {name: set() for name in order}
    for module in graph.modules:
        here = "" if graph.is_module_squashed(module) else _layer_of(module)
        for other in graph.find_modules_directly_imported_by(module) if here else ():
            there = "" if graph.is_module_squashed(other) else _layer_of(other)
            if there and there != here:
                below[here].add(there)
    upward = [(here, there) for here in order for there in below[here] if order.index(here) > order.index(there)]
    assert not upward, f"imports that run up: {upward}"
    reach: dict[str, set[str]] = {}
    for name in reversed(order):
        reach[name] = below[name].union(*(reach[other] for other in below[name]))
    lines = ["```mermaid", "flowchart TD"]
    for here in order:
        drawn = [there for there in order if there in below[here]]
        lines += [f"    {here} --> {there}" for there in drawn if not any(there in reach[other] for other in drawn)]
    return "\n".join([*lines, "```"]) + "\n"


def rooms() -> str:
    """What each room owns: the first sentence of its docstring, by layer."""
    lines = []
    for name, members in _layers().items():
        lines += [f"**{name}**", "", "| room | owns |", "|---|---|"]
        lines += [f"| `{member}` | {_sentence(member)} |" for member in sorted(members)]
        lines.append("")
    return "\n".join(lines)


def _sentence(module: str) -> str:
    path = ROOT / module.replace(".", "/")
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    doc = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    return " ".join(doc.partition("\n\n")[0].split()).replace("|", "\\|")


def libraries() -> str:
    """Which rooms know of a third party's library."""
    graph = _graph()
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    names = {re.split(r"[<>=; \[]", line)[0].lower().replace("-", "_").replace(".", "_") for line in wanted}
    imported = {"pillow": "PIL", "ruamel_yaml": "ruamel", "markdown_it_py": "markdown_it"}
    found: dict[str, set[str]] = defaultdict(set)
    for name in names:
        library = imported.get(name, name)
        if library in graph.modules:
            for module in graph.find_modules_that_directly_import(library):
                found[library].add(".".join(module.split(".")[:2]))
    lines = ["| library | only in |", "|---|---|"]
    lines += [f"| {name} | {', '.join(f'`{room}`' for room in sorted(found[name]))} |" for name in sorted(found)]
    return "\n".join(lines) + "\n"


def shared_options() -> str:
    """Options that several commands have, and which."""
    holders: dict[str, list[str]] = defaultdict(list)
    every = _every_command(typer.main.get_command(app), "")
    for name, command in every:
        for option in command.params:  # type: ignore[attr-defined]
            if option.param_type_name == "option" and option.name != "help":
                holders[", ".join(f"`{word}`" for word in (*option.opts, *option.secondary_opts))].append(name)
    lines = ["| option | commands |", "|---|---|"]
    for words in sorted(holders, key=lambda words: words.lstrip("`-")):
        without = [name for name, _ in every if name not in holders[words]]
        told = ", ".join(holders[words])
        if len(without) < len(holders[words]):
            told = f"all but {', '.join(without)}" if without else "all"
        if len(holders[words]) > 1:
            lines.append(f"| {words} | {told} |")
    return "\n".join(lines) + "\n"


def _every_command(command: object, name: str) -> list[tuple[str, object]]:
    below = getattr(command, "commands", None)
    if below is None:
        return [(name, command)]
    return [pair for word, one in below.items() for pair in _every_command(one, f"{name} {word}".strip())]


_VARIABLES = {
    "AWS_ACCESS_KEY_ID": "with `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`: credentials of a store on S3",
    "AWS_REGION": "or `AWS_DEFAULT_REGION`: where the bucket is",
    "AWS_ENDPOINT_URL": "or `AWS_ENDPOINT`: another S3 than Amazon's; `AWS_ALLOW_HTTP=true` where it has no TLS",
    "DASHSCOPE_API_KEY": "the vendor's key; with a region behind it (`DASHSCOPE_API_KEY_CN_BEIJING`) that site's",
    "DASHSCOPE_BASE_URL": "or `DASHSCOPE_HTTP_BASE_URL`: the address of the speech API, instead of the profile's",
    "DASHSCOPE_WEBSOCKET_BASE_URL": "the address for realtime speech, instead of the profile's",
    "DASHSCOPE_WORKSPACE": "the sub-workspace of the account",
    "EVOLINK_API_KEY": "the gateway's key",
    "NARRATION_BOOKS": "where the relative folders of flow runs are seen from",
    "NARRATION_CHAT_API_KEY": "the key of another host that is asked who speaks",
    "NARRATION_HOME": "where the default store, the sandbox's state and reports of bugs are",
    "NARRATION_STORE": "the store: a folder, or `s3://bucket/prefix`",
    "NARRATION_RECOGNISER_API_KEY": "the key of another host that is asked what is heard",
    "PREFECT_API_URL": "the Prefect server; without it nothing of Prefect is started",
}


def environment() -> str:
    """Every environment variable that the program reads, with its meaning."""
    sources = [*(ROOT / "flows").rglob("*.py"), *(ROOT / "narration").rglob("*.py"), *(ROOT / "configs").glob("*.toml")]
    found = set()
    for path in sources:
        found |= set(re.findall(r"\b(?:NARRATION|DASHSCOPE|EVOLINK|AWS)_[A-Z][A-Z_]+\b", path.read_text("utf-8")))
    told = " ".join([*_VARIABLES, *_VARIABLES.values()])
    missing = sorted(name for name in found if name not in told)
    assert not missing, f"variables without a meaning: {missing}"
    lines = ["| variable | is |", "|---|---|", *(f"| `{name}` | {text} |" for name, text in _VARIABLES.items())]
    lines.append("| `NO_COLOR` | any value: no colours, at a terminal either |")
    return "\n".join(lines) + "\n"


def _keys(model: type[BaseModel]) -> str:
    lines = ["| key | default | is |", "|---|---|---|"]
    for name, field in model.model_fields.items():
        value = field.get_default(call_default_factory=True)
        shown = "required" if field.is_required() else _shown(value)
        lines.append(f"| `{name}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, value))}]`" if value else ""
    return "" if value in (None, "", {}) or isinstance(value, BaseModel) else f"`{str(value).lower()}`"


def book_keys() -> str:
    """The keys of book.yaml."""
    return _keys(production._BookFile)


def cast_keys() -> str:
    """The keys of an entry of the cast sheet."""
    return _keys(cast._Row)


_EXAMPLES = ("Good evening.", "“Good evening,” said Mara.", "晚上好。", "老秦说：“Good!”", "Crème brûlée – 5 €")


def bill() -> str:
    """What texts are billed, counted by the program itself."""
    price = price_of("qwen3-tts-vd-2026-01-26", "ap-southeast-1")
    lines = ["| text as sent | code points | billed characters | USD |", "|---|---|---|---|"]
    for text in _EXAMPLES:
        billed = billed_characters(text)
        lines.append(f"| {text} | {len(text)} | {billed} | {cost_usd(price, billed):.6f} |")
    return "\n".join(lines) + "\n"
