# Everything a developer runs. It needs Python 3.11 or later; npm and Chromium are used where they are there.
PYTHON ?= python3
UV_VERSION := 0.13.9
BIN := .venv/bin
INSTALL := $(BIN)/uv pip install -q --python $(BIN)/python
# Where Python may not keep what it compiles (PYTHONDONTWRITEBYTECODE), every start would compile all libraries again.
COMPILE := $(BIN)/python -m compileall -q -j 0 .venv/lib >/dev/null 2>&1 || true
PYTEST := $(BIN)/python -m pytest -q
HAS_CHROMIUM := which chromium chromium-browser google-chrome 2>/dev/null | grep -q .
TESTS ?= tests
FRONTEND := $(wildcard frontend/*.* frontend/.npmrc frontend/src/* frontend/src/*/*)

.PHONY: help serve demo test test-browser test-wheel contract crash soak audit audit-fast audit-clients advisories sbom bench bench-quick check format schema lock frontend pages

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

serve: ## serve on http://127.0.0.1:8890, with a database of its own
	@$(MAKE) -s -j2 .venv/.run pages
	@$(BIN)/answer serve

demo: .venv/.run ## fill the workspace `default` with a sample helpdesk
	@$(BIN)/answer demo

test: .venv/.dev ## run the tests on SQLite and on a real PostgreSQL (TESTS=tests/rules for a part)
	$(PYTEST) -n auto --maxprocesses 4 -m "not browser and not slow and not contract" $(TESTS)
	@$(HAS_CHROMIUM) || echo "No Chromium here: the browser tests were left out."

test-browser: .venv/.dev pages ## run the tests that drive Chromium
	@$(HAS_CHROMIUM) || { echo "No Chromium here. On Debian: apt-get install chromium"; exit 1; }
	$(PYTEST) -m browser tests

test-wheel: .venv/.dev ## build the wheel, install it beside strangers, run it
	$(PYTEST) -m slow tests

contract: .venv/.dev ## schemathesis against a running server, REST and graph (EXAMPLES=100 for more); takes minutes
	$(PYTEST) -m contract tests/contract

crash: .venv/.dev ## kill server and worker under writes, again and again: nothing acknowledged is lost (CRASH="--rounds 3")
	$(BIN)/python -m tests.crash $(CRASH)

soak: .venv/.dev ## ask more of the server than it can do, for some minutes (SOAK="--seconds 1800 --engines postgresql")
	$(BIN)/python -m tests.soak $(SOAK)

audit: .venv/.dev ## point suites that nobody here wrote at a running server (SLOW=1 waits for late retries, too)
	$(BIN)/python -m tests.audits $(if $(SLOW),--slow) $(AUDIT)

audit-fast: .venv/.dev ## those of them that take seconds
	$(BIN)/python -m tests.audits --fast $(AUDIT)

audit-clients: .venv/.dev # what they need, from npm and PyPI, into tests/audits/runners
	$(BIN)/python -m tests.audits --install

bench: .venv/.dev ## measure beside the peers: about half an hour (BENCH="--tickets 10000,100000,1000000" for growth)
	$(BIN)/python -m bench $(BENCH)

bench-quick: .venv/.dev ## the same in a few minutes, with short rounds
	$(BIN)/python -m bench --quick $(BENCH)

check: .venv/.dev ## formatting, lint, types, who imports whom, and whether schema.graphql is current
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@$(BIN)/answer schema | diff -u schema.graphql - || { echo 'The code says another schema.graphql: run `make schema` and read its diff.'; exit 1; }

format: .venv/.dev ## bring the code into shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: .venv/.run ## write schema.graphql from the code
	@$(BIN)/answer schema > .venv/schema.graphql && cp .venv/schema.graphql schema.graphql

LOCK = $(BIN)/uv pip compile pyproject.toml -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(UPGRADE)
lock: .venv/.uv-$(UV_VERSION) ## lock the dependencies again (UPGRADE=--upgrade, or UPGRADE="-P NAME" for one)
	$(LOCK) -o requirements.lock
	$(LOCK) --group test --group lint --group build -c requirements.lock -o requirements-dev.lock
	@! grep -n '://' requirements.lock requirements-dev.lock

SBOM_TOOL := cyclonedx-bom==7.5.0
sbom: .venv/.uv-$(UV_VERSION) ## write what an install consists of to dist/: CycloneDX, from the locks
	@mkdir -p dist
	$(BIN)/uv venv -q --clear --python $(BIN)/python .venv/sbom
	$(BIN)/uv pip install -q --python .venv/sbom/bin/python --require-hashes -r requirements.lock
	$(BIN)/uv tool run -q --from $(SBOM_TOOL) cyclonedx-py environment --pyproject pyproject.toml \
		--output-reproducible -o dist/answer.cdx.json .venv/sbom/bin/python
	@if command -v npm >/dev/null; then \
		cd frontend && npm sbom --sbom-format cyclonedx --package-lock-only --legacy-peer-deps > ../dist/answer-pages.cdx.json; \
	else echo "No npm here: the browser pages' own list was left out."; fi

AUDIT_TOOL := pip-audit==2.10.1
advisories: .venv/.dev ## hold the locks against advisories: OSV's files in ADVISORIES=FOLDER, or, with internet, those that are known now
ifdef ADVISORIES
	$(BIN)/python -m tests.advisories $(ADVISORIES)
else
	@echo "Asking for what is known now; offline give ADVISORIES=FOLDER, with OSV's files for PyPI and npm."
	@for lock in requirements.lock requirements-dev.lock; do \
		$(BIN)/uv tool run -q --from $(AUDIT_TOOL) pip-audit --strict --disable-pip -r $$lock || exit 1; \
	done
	cd frontend && npm audit --package-lock-only
endif

frontend: gateway/static/.built ## build the browser pages with npm; without it older ones from pip are served

gateway/static/.built: $(FRONTEND)
	cd frontend && npm ci --ignore-scripts --no-audit --no-fund --fetch-retries 1 --fetch-timeout 30000
	cd frontend && npm run build
	@touch $@

pages: # the same where it can be done, and quietly: nothing fails for want of npm
	@mkdir -p .venv
	@if command -v npm >/dev/null && ! $(MAKE) -s frontend >.venv/frontend.log 2>&1; then \
		echo "The browser pages were not built (.venv/frontend.log says why): older ones are served."; fi

.venv/.uv-$(UV_VERSION):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Answer needs Python 3.11 or later: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(BIN)/python -c 'import pip' 2>/dev/null || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

.venv/.run: requirements.lock pyproject.toml | .venv/.uv-$(UV_VERSION)
	@echo "Installing into .venv ..."
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(COMPILE)
	@$(INSTALL) --no-deps -e .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.run
	@$(INSTALL) --require-hashes -r requirements-dev.lock
	@$(COMPILE)
	@touch $@
