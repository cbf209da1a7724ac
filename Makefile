# Targets for a user, each of which sets up what it needs in .venv: `make demo`, `make test`, `make docs`.
PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
EXTRAS ?= dev

.PHONY: demo test check docs clean

demo: $(INSTALLED)
	$(VENV)/bin/hpsearch launch studies/digits.toml --or-resume

test: $(INSTALLED_DEV)
	$(VENV)/bin/python -m pytest

check: $(INSTALLED_DEV)
	scripts/check

docs: $(INSTALLED_DEV)
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict
	@echo "site/index.html; or, for the search too: $(PYTHON) -m http.server --directory site"

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q -c constraints.txt -e .
	touch $@

$(INSTALLED_DEV): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install -q -c constraints.txt -e '.[$(EXTRAS)]'
	touch $@ $(INSTALLED)

clean:
	rm -rf $(VENV) build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
