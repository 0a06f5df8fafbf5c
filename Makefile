# Two commands to begin with: `make report` and `make test`. Both set up what they need, once.
PYTHON ?= python3
VENV := .venv
LAB := .venv-lab
MUTANTS := .venv-mutants
MUTATION := .[mutation,test]
BIN := $(VENV)/bin
# Bytecode is kept: without it every kernel compiles the suite afresh.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE
SAMPLE := --exports data/sample --period 2026-09 --out reports

.PHONY: report test lab check golden notebooks bench mutants constraints audit clean

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

bench: $(VENV)/.ready-bench
	$(BIN)/python -m benchmarks

# Faults are put in on purpose, to see whether a test notices: hours for all. ONLY='pledgebook.deadlines.counting*' takes a part.
mutants: $(MUTANTS)/.ready
	$(MUTANTS)/bin/python -m tests.mutation.workplace $(MUTANTS)/tree
	cd $(MUTANTS)/tree && POLARS_MAX_THREADS=1 nice ../bin/mutmut run --max-children 2 $(if $(ONLY),'$(ONLY)')
	cd $(MUTANTS)/tree && ../bin/mutmut results

constraints: $(VENV)/.ready-test
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --no-emit-index-url --no-annotate --no-header --quiet pyproject.toml -o constraints.txt

# Asks a public list of known faults, so it needs a network and CI leaves it out; --strict: an unreachable list is no pass.
audit:
	folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(PYTHON) -m venv "$$folder" \
	  && "$$folder/bin/pip" install --quiet --disable-pip-version-check pip-audit \
	  && "$$folder/bin/pip-audit" --strict --disable-pip --no-deps -r constraints.txt

$(VENV)/.ready: pyproject.toml constraints.txt
	$(call set_up,$(VENV),.)
	touch $@

$(VENV)/.ready-test: pyproject.toml constraints.txt
	$(call set_up,$(VENV),.[test])
	touch $@ $(VENV)/.ready

$(VENV)/.ready-bench: pyproject.toml constraints.txt
	$(call set_up,$(VENV),.[bench])
	touch $@ $(VENV)/.ready

$(LAB)/.ready: pyproject.toml constraints.txt
	$(call set_up,$(LAB),.[lab])
	touch $@

$(MUTANTS)/.ready: pyproject.toml constraints.txt
	$(call set_up,$(MUTANTS),$(MUTATION))
	touch $@

# uv is fast and compiles bytecode; where it cannot be had, pip does the same slowly.
define set_up
	test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
	$(1)/bin/pip install --quiet --disable-pip-version-check uv || true
	$(1)/bin/uv pip install --quiet --python $(1)/bin/python -c constraints.txt -e '$(2)' \
	  || $(1)/bin/pip install --quiet --disable-pip-version-check -c constraints.txt -e '$(2)'
endef

clean:
	rm -rf $(VENV) $(LAB) $(MUTANTS) .mypy_cache .pytest_cache .ruff_cache
