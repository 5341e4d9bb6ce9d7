# make demo   the sample cohort's report      make test    the tests
# make lint   style, types, import contracts  make bench   benchmarks, by hand
# make screenshots   the pictures of docs/reading-guide.md
.PHONY: demo test lint bench screenshots lock clean
SHELL := /bin/bash
PYTHON := .venv/bin/python

demo: setup
	$(PYTHON) -m herntrack demo herntrack-demo

test: setup
	.ci/with-display $(PYTHON) -m pytest -n 2 --dist loadfile

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench: setup
	for script in benchmarks/bench_*.py; do $(PYTHON) "$$script" || exit 1; done

screenshots: setup
	.ci/with-display $(PYTHON) scripts/reading_guide_pictures.py

# Needs uv (pip install uv). No host names reach the file.
lock:
	uv pip compile pyproject.toml --extra gui --extra dev --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --output-file requirements.lock

.PHONY: setup
setup:
	@.ci/setup.sh

clean:
	rm -rf .venv herntrack-demo .pytest_cache .mypy_cache .ruff_cache
