# Few verbs, the same that CI runs. Each makes .venv and installs the locked, hashed requirements by itself.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help demo test proofs coverage mutants lint bench prove docs lock clean

help: ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 8

demo: .venv/run ## render the demo book into out/demo, offline and free
	$(BIN)/narrate render data/demo --profile sandbox --out out/demo

test: .venv/dev lint ## lint, then run the tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not proof"

proofs: .venv/dev ## the long proofs in short form, as CI runs them
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m proof

coverage: .venv/dev ## branches of narration that the tests take, at least 95 %
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist loadgroup -m "not proof"
	$(BIN)/coverage combine --quiet
	$(BIN)/python -m tests.branches 95

mutants: .venv/dev ## change chunks, takes, speak and usage in every small way; at least 85 % are to be noticed
	$(BIN)/python -m pip install --quiet "mutmut>=3.8,<4"
	$(BIN)/python -m tests.mutants

lint: .venv/dev ## ruff, mypy, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy narration flows tests benchmarks
	$(BIN)/lint-imports

bench: .venv/dev ## speed, memory and the rivals, as ratios, into benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

prove: .venv/dev ## the long proofs, with their figures
	$(BIN)/python -m tests.prove

docs: .venv/dev ## renew the generated parts of the documentation
	$(BIN)/python -m tests.docs_blocks

lock: .venv/dev ## renew the locked requirements
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra sandbox --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet --upgrade -o requirements/dev.txt
	sed 's/ *\\$$//; /^ *--hash/d' requirements/dev.txt > requirements/.versions.txt
	$(BIN)/uv pip compile pyproject.toml --extra sandbox --group build --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet \
	  -c requirements/.versions.txt -o requirements/run.txt
	rm requirements/.versions.txt

clean: ## remove what these targets made
	rm -rf .venv out build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# A failed installation leaves no mark, so that the next call begins anew.
.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/run: requirements/run.txt pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: requirements/dev.txt .venv/run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	@touch $@
