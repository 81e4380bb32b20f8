# Every target sets up what it needs: a virtual environment in .venv, the pinned packages, the database and its tables.
# Pass arguments with ARGS, another interpreter with PYTHON:  make demo ARGS=--once   make test PYTHON=python3.12

PYTHON ?= python3
ARGS ?=
VENV := .venv
BENCH := .venv-bench
AUDIT := .venv-audit
# Advisories that are accepted, with the reason in docs/security.md.
ACCEPTED :=
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
SOURCES := manage.py config common sequences emails tasks_app execution simulation tests $(wildcard benchmarks)
# Where the dictionary of docs/contributing/words.md holds, in texts and in names of files.
WORDED := $(patsubst %,./%,$(SOURCES) templates docs Makefile .ci $(wildcard *.md) pyproject.toml .pre-commit-config.yaml)
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

# Checked before the executor starts, so that a failed start sends nothing. Takes PORT or HOST:PORT, like runserver.
IS_FREE := 'import socket, sys; host, _, port = sys.argv[1].rpartition(":"); host = host.strip("[]") or "127.0.0.1"; \
	socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()'

define INSTALL
	@echo "Installing $< into $(@D) …" >&2
	@$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@
endef

.DEFAULT_GOAL := help
.PHONY: help demo run test check audit bench soak stop format requirements client migrated

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: migrated ## Run the product on sample data with a local mail server. ARGS=--once stops at the end.
	@$(MANAGE) demo $(ARGS)

run: migrated ## Run the executor and the web server on this machine. ARGS=8001 is another port.
	@$(BIN)/python -c $(IS_FREE) "$(or $(firstword $(filter-out -%,$(ARGS))),8000)" 2>/dev/null || { \
		echo "The web server's port is in use, or its address is not on this machine. Choose another: make run ARGS=8001" >&2; exit 1; }
	@$(MANAGE) run_executor & executor=$$!; trap 'kill $$executor 2>/dev/null; wait $$executor' EXIT INT TERM; \
	$(MANAGE) runserver --noreload $(ARGS)

test: $(VENV)/.dev ## Run the tests. ARGS go to pytest, such as ARGS="tests/sequences -k timing".
	@$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.dev ## Style, words, types, import rules, migrations and deployment settings.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@find $(SOURCES) -name '*.py' -not -path '*/migrations/*' -exec awk \
		'FNR == 401 {print FILENAME ": over 400 lines; split it"; long = 1} END {exit long}' {} +
	$(BIN)/codespell $(WORDED)
	@find $(WORDED) -type f -not -path '*/__pycache__/*' | $(BIN)/codespell -
	$(BIN)/mypy
	$(BIN)/lint-imports
	ENV_FILE=/dev/null DJANGO_SETTINGS_MODULE=tests.settings $(MANAGE) makemigrations --check --dry-run
	@echo "check --deploy, as in production"
	@ENV_FILE=/dev/null DEBUG=false DATABASE_URL=postgres://user@db.example.com/name ALLOWED_HOSTS=mail.example.com PUBLIC_BASE_URL=https://mail.example.com \
		SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
		FIELD_ENCRYPTION_KEYS="$$($(BIN)/python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')" \
		$(MANAGE) check --deploy --fail-level WARNING

audit: $(AUDIT)/.audit ## Look for known vulnerabilities in the pinned packages; asks the network. docs/security.md lists what is accepted.
	@status=0; for list in base dev audit; do $(AUDIT)/bin/pip-audit --strict --require-hashes --disable-pip --progress-spinner off \
		$(foreach id,$(ACCEPTED),--ignore-vuln $(id)) $(ARGS) -r requirements/$$list.txt || { status=1; \
		echo "requirements/$$list.txt: vulnerable, or not audited because the package index could not be asked; the lines above say which." >&2; }; \
		done; exit $$status

bench: $(BENCH)/.bench ## Compare speed with other designs and queues; not part of the tests. ARGS=--help lists the parts.
	@$(BENCH)/bin/python -m benchmarks $(ARGS)

soak: $(VENV)/.base ## Simulate seven days of 10,000 enrollments with every fault, five seeds; two hours. ARGS go to simulate.
	@$(MANAGE) simulate --days 7 --enrollments 10000 --faults all --seed 1..5 $(ARGS)

stop: ## Stop the embedded PostgreSQL servers of this checkout.
ifneq ($(wildcard $(VENV)/.base $(VENV)/.dev),)
	@$(MANAGE) stop_database
	@DJANGO_SETTINGS_MODULE=tests.settings $(MANAGE) stop_database
	@DJANGO_SETTINGS_MODULE=benchmarks.settings $(MANAGE) stop_database
endif

format: $(VENV)/.dev ## Format the code.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: $(VENV)/.dev ## Pin the packages of requirements/*.in again; ARGS=--upgrade takes newer ones.
	$(COMPILE) $(ARGS) --output-file requirements/base.txt requirements/base.in
	$(COMPILE) $(ARGS) --output-file requirements/dev.txt requirements/dev.in
	$(COMPILE) $(ARGS) --output-file requirements/bench.txt requirements/bench.in
	$(COMPILE) $(ARGS) --output-file requirements/audit.txt requirements/audit.in

client: $(VENV)/.dev ## Build the typed Python client in build/client, and the TypeScript one where npm is installed.
	@mkdir -p build
	@ENV_FILE=/dev/null DJANGO_SETTINGS_MODULE=tests.settings $(MANAGE) spectacular --validate --fail-on-warn --file build/openapi.yaml
	@$(BIN)/openapi-python-client generate --path build/openapi.yaml --output-path build/client --overwrite --meta setup \
		--config docs/integrations/python/generator.yaml --fail-on-warning
	@if command -v npm >/dev/null; then cp -R docs/integrations/typescript build && cd build/typescript && npm ci --no-audit --no-fund && npm run generate; fi

migrated: $(VENV)/.base
	@$(MANAGE) migrate --verbosity 0

$(VENV)/bin/python $(BENCH)/bin/python $(AUDIT)/bin/python: %/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1 | tail -n 1)." \
			"Name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $* || { rm -rf $*; \
		echo "The virtual environment cannot be made; on Debian install python3-venv." >&2; exit 1; }

# A stamp per list of packages: a second run installs nothing.
$(VENV)/.base $(VENV)/.dev: $(VENV)/.%: requirements/%.txt | $(VENV)/bin/python
	$(INSTALL)

# Packages for comparison and for the audit stay out of the product's environment.
$(AUDIT)/.audit: requirements/audit.txt | $(AUDIT)/bin/python
	$(INSTALL)
$(BENCH)/.bench: requirements/bench.txt | $(BENCH)/bin/python
	$(INSTALL)
