# Two commands do everything: `make demo` and `make test`. The others are for those who change the code.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: demo test check goldens bench faults clean

$(VENV)/ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

demo: $(VENV)/ready   ## plan, apply and plan again on the local stand-in, in a folder of its own
	@$(BIN)/python examples/demo.py

test: $(VENV)/ready   ## the whole test suite
	$(BIN)/python -m pytest -n $(WORKERS)

check: $(VENV)/ready  ## format, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_architecture.py

goldens: $(VENV)/ready ## rewrite goldens, schemas and docs/resources; read the diff afterwards
	RECONCILER_GOLDENS=1 $(BIN)/python -m pytest -q tests/scenarios tests/resources tests/test_schemas.py

bench: $(VENV)/ready  ## measure; prints tables
	$(BIN)/python -m bench

faults: $(VENV)/ready ## the long run of kills and faults
	RECONCILER_LONG=1 $(BIN)/python -m pytest -q -m '' -n $(WORKERS) tests/faults `$(BIN)/python -m tests.faults.elsewhere`

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist *.egg-info
