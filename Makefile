# Two commands for everyone: `make demo` runs the main job, `make test` passes the tests.
# Each makes .venv and installs what it needs; nothing else has to be there but Python >= 3.11 and make.

PYTHON ?= python3
OUT ?= memductance-report
BIN := .venv/bin

.PHONY: demo test check notebooks benchmark clean system ngspice-44 torch

demo: system .venv/installed
	$(BIN)/memductance demo --out $(OUT)

test: system .venv/installed-dev check ngspice-44 torch
	$(BIN)/python -m pytest -n auto

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

benchmark: .venv/installed-dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv $(OUT)

# ngspice is the reference simulator (its own process), libngspice0 the library that PySpice loads.
system:
	@tools/system-packages.sh "ngspice=command -v ngspice" "libngspice0=/sbin/ldconfig -p | grep -q libngspice"

# The newest ngspice that netlists are tested with, beside the system's own. Where CI is set it must be there; elsewhere its
# tests are left out without it.
ngspice-44: .venv/bin/python
	@tools/ngspice-44.sh .venv/ngspice-44 || [ -z "$${CI:-}" ]

# torch for the layers that are trained through arrays: 200 MB, so only where CI is set; elsewhere its tests are left out.
torch: .venv/installed-dev
	@[ -z "$${CI:-}" ] || tools/torch-cpu.sh $(BIN)/python

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "memductance needs Python 3.11 or newer: run make PYTHON=python3.11 (or newer)" >&2; exit 1; }
	@tools/system-packages.sh "python3-venv=$(PYTHON) -c 'import ensurepip, venv'"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip

.venv/installed: .venv/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@
