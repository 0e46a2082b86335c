# Everything a developer or a user does with a clone. Needs Python 3.11+, git and make; each target sets up the
# virtual environment that it runs in. `make` alone lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?=
# Extra arguments: make test-quick PYTEST_ARGS="-k planner -x"
PYTEST_ARGS ?=
RUN_ARGS ?=
COMPARE_ARGS ?=
LAB_ARGS ?=

# Most tests against real daemons wait for something: four at once need a third of the time on two cores. A file's tests
# stay together, because they share a pool.
PARALLEL ?= -n 4 --dist loadfile

# No test may be skipped where all of them can run: on Debian, as root.
STRICT := $(shell [ "$$(id -u)" = 0 ] && [ -e /etc/debian_version ] && echo --nothing-skipped)

LOCKED := $(VENV)/.locked
READY := $(VENV)/.ready

.PHONY: help run lab lab-down test test-openstack test-zed test-quick test-full system-packages check lint types imports docs bench compare format lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

run: $(READY) ## a real HTCondor pool on this machine that grows and shrinks with its queue, until Ctrl-C
	@$(BIN)/elastic demo $(RUN_ARGS)

lab: $(READY) ## a real OpenStack control plane on this machine whose servers are real HTCondor workers (root, Debian 12)
	@$(BIN)/elastic lab up $(LAB_ARGS)

lab-down: $(READY) ## end the lab; its databases stay (LAB_ARGS=--purge removes them)
	@$(BIN)/elastic lab down $(LAB_ARGS)

test: $(READY) system-packages ## all tests but those against OpenStack, on real HTCondor daemons too; installs what they need
	$(BIN)/pytest $(STRICT) $(PARALLEL) $(PYTEST_ARGS)

# A lab of its own, so that nobody's is disturbed; its software stays for the next time.
OPENSTACK_LAB = .local/lab-tests-$(OPENSTACK_RELEASE)
OPENSTACK_RELEASE ?= newest
OPENSTACK_TESTS ?= tests/openstack
OPENSTACK_MARK ?= openstack and not full

test-openstack: $(READY) system-packages ## the tests against a real OpenStack control plane, which it brings up and down
	@$(BIN)/elastic lab up --home $(OPENSTACK_LAB) --release $(OPENSTACK_RELEASE) \
	    || { $(BIN)/elastic lab down --purge --home $(OPENSTACK_LAB); exit 1; }
	@ELASTIC_LAB=$(CURDIR)/$(OPENSTACK_LAB) ELASTIC_LAB_RELEASE=$(OPENSTACK_RELEASE) $(BIN)/pytest $(STRICT) $(PARALLEL) -m "$(OPENSTACK_MARK)" \
	    $(OPENSTACK_TESTS) $(PYTEST_ARGS); status=$$?; \
	    $(BIN)/elastic lab down --purge --home $(OPENSTACK_LAB); exit $$status

test-zed: ## the contract tests against Debian 12's own OpenStack, which is older
	@$(MAKE) test-openstack OPENSTACK_RELEASE=zed \
	    OPENSTACK_TESTS="$(wildcard tests/openstack/test_contract_*.py) tests/openstack/test_site.py"

# Without daemons and browser, and without the parts of the simulator that take longest: `make test` has all of them.
SLOW := tests/lab tests/browser tests/openstack tests/test_crashes.py tests/property/test_storms.py \
    $(addprefix tests/simulations/,compiled campaigns checks/test_validate.py comparing notebooks reports test_rerunning.py test_scenario.py)

test-quick: $(READY) ## the inner loop: no daemons, no browser, no system packages; under two minutes
	$(BIN)/pytest $(PARALLEL) $(addprefix --ignore=,$(SLOW)) $(PYTEST_ARGS)

test-full: $(READY) system-packages ## all tests with the large counts (marker "full"); hours, by hand
	$(BIN)/pytest $(STRICT) $(PARALLEL) -m "not openstack" --hypothesis-profile=full $(PYTEST_ARGS)
	@$(MAKE) test-openstack OPENSTACK_MARK=openstack

check: lint types imports ## the quality gate: ruff, mypy, import-linter, links and generated parts of the docs
	$(BIN)/python tools/docs.py --check

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports --no-logo

docs: $(READY) ## write the generated parts of the docs anew and check every link
	$(BIN)/python tools/docs.py

bench: $(READY) ## every benchmark in bench/, each printing JSON
	@set -e; for file in bench/bench_*.py; do echo "# $$file" >&2; $(BIN)/python "$$file"; done

compare: $(READY) ## the simulator against real HTCondor daemons on this machine: three workloads, a quarter of an hour
	@$(BIN)/python bench/compare_with_htcondor.py $(COMPARE_ARGS)

format: $(READY) ## let ruff format the code and mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(READY) ## resolve the development lock anew from pyproject.toml (add LOCK_ARGS=--upgrade for newer versions)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-annotate \
	    --no-emit-index-url --custom-compile-command "make lock" $(LOCK_ARGS) pyproject.toml -o requirements/dev.lock

clean: ## remove what these targets made: environment, caches, builds, fetched daemons
	@# Never across a mount: a pool that was killed hard may have left one.
	rm -rf --one-file-system $(VENV) .local build dist *.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

system-packages:
	@tools/install-system-packages.sh $$(sed 's/#.*//' tests/system-packages.txt)

# Two stamps, so that a change of pyproject.toml alone costs seconds.
$(LOCKED): requirements/dev.lock tools/make-venv.sh
	@VENV="$(VENV)" PYTHON="$(PYTHON)" tools/make-venv.sh
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@
