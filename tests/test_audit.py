"""The tree, audited; and the auditor itself, which must be able to find something."""

from __future__ import annotations

import pytest

from tests import audit

KEY = "sk-" + "a1B2c3D4" * 4


def test_the_tree_has_no_secret_no_strange_licence_and_no_loose_pin() -> None:
    assert audit.problems() == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("requests==2.1", "no hash"),
        ("requests>=2", "no pin"),
        ("--index-url https://example.org/simple", "an address"),
        ("x @ https://example.org/x.whl", "an address"),
    ],
)
def test_a_lock_file_with_a_hole_is_told(line: str, said: str) -> None:
    whole = f"good==1.0 \\\n    --hash=sha256:{'0' * 64}\n"
    assert list(audit.lock_problems("run.txt", whole)) == []
    assert any(said in problem for problem in audit.lock_problems("run.txt", whole + line))


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "AGPL-3.0-or-later", "GNU General Public License v3 (GPLv3)", "", "Foo"]
)
def test_a_licence_that_is_not_allowed_is_told(licence: str) -> None:
    assert audit.licence_problem("package", licence)


@pytest.mark.parametrize(
    "licence", ["MIT", "BSD-3-Clause", "Apache-2.0 AND MIT", "LGPL-2.1", "MPL-2.0", "GPL-2.0 OR MIT"]
)
def test_a_licence_that_is_allowed_is_not(licence: str) -> None:
    assert audit.licence_problem("package", licence) is None


@pytest.mark.parametrize(
    "line", [f'key = "{KEY}"', "-----BEGIN RSA " + "PRIVATE KEY-----", "path = /ho" + "me/jane/book", "/ro" + "ot/x.py"]
)
def test_a_secret_and_a_path_of_a_machine_are_told(line: str) -> None:
    assert list(audit.secret_problems("a.py", line))


def test_examples_are_no_secrets() -> None:
    assert list(audit.secret_problems("a.md", "export DASHSCOPE_API_KEY=sk-… ; /home/you/narrate/out ; sk-any")) == []
