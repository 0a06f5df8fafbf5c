# Two commands to begin with: `make report` and `make test`. Both set up what they need, once.
PYTHON ?= python3
VENV := .venv
LAB := .venv-lab
BIN := $(VENV)/bin
export UV_COMPILE_BYTECODE := 1
SAMPLE := --exports data/sample --period 2026-09 --out reports

.PHONY: report test lab check golden notebooks constraints clean

report: $(VENV)/.ready
	$(BIN)/pledgebook run $(SAMPLE)

test: $(VENV)/.ready-test check
	$(BIN)/pytest -n 2 --dist loadfile --nbval --nbval-current-env tests notebooks

lab: $(LAB)/.ready
	$(LAB)/bin/pledgebook lab

check: $(VENV)/.ready-test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/nbstripout --verify --keep-output --keep-count --keep-id --extra-keys "cell.metadata.execution metadata.language_info.version" notebooks/*.ipynb

golden: $(VENV)/.ready-test
	$(BIN)/python -m tests.golden.update
	$(BIN)/python -m tests.contracts.rendered
	$(MAKE) notebooks

notebooks: $(VENV)/.ready-test
	$(BIN)/jupyter execute --inplace --NotebookClient.record_timing=False notebooks/*.ipynb
	$(BIN)/nbstripout --keep-output --keep-count --keep-id --extra-keys "cell.metadata.execution metadata.language_info.version" notebooks/*.ipynb

constraints: $(VENV)/.ready-test
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --no-emit-index-url --no-annotate --no-header --quiet pyproject.toml -o constraints.txt

$(VENV)/.ready: pyproject.toml constraints.txt
	$(call set_up,$(VENV),.)
	touch $@

$(VENV)/.ready-test: pyproject.toml constraints.txt
	$(call set_up,$(VENV),.[test])
	touch $@ $(VENV)/.ready

$(LAB)/.ready: pyproject.toml constraints.txt
	$(call set_up,$(LAB),.[lab])
	touch $@

# uv is fast and compiles bytecode; where it cannot be had, pip does the same slowly.
define set_up
	test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(1)/bin/pip install --quiet --disable-pip-version-check uv || true
	$(1)/bin/uv pip install --quiet --python $(1)/bin/python -c constraints.txt -e '$(2)' \
	  || $(1)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(2)'
endef

clean:
	rm -rf $(VENV) $(LAB) .mypy_cache .pytest_cache .ruff_cache
