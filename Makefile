# Two commands do everything: `make demo` and `make test`. Both make the environment they need.

PYTHON ?= python3
VENV   ?= .venv
DEMO   ?= demo
BIN     = $(VENV)/bin

.PHONY: demo test lint types format clean lock

demo: $(VENV)/.ready
	$(BIN)/archiver demo -o $(DEMO)

test: $(VENV)/.ready
	./tests/install-tools
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The lock file pins the versions this project was tested with; pyproject.toml says which ones it accepts.
$(VENV)/.ready: pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "archiver needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

lock:
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --extra replay --universal --python-version 3.11 --no-header --no-annotate --quiet --upgrade -o requirements.lock

clean:
	rm -rf $(VENV) $(DEMO) tests/.tools .mypy_cache .ruff_cache .pytest_cache
