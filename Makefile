# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

.DEFAULT_GOAL := help
# Three steps run in parallel, the longest first: each uses one core at most, and waits for downloads and
# processes. The steps that use all cores run after them.
ON_ONE_CORE := sanity foreign rulebook molecule lint docs build
ON_ALL_CORES := unit integration
STEPS := $(ON_ONE_CORE) $(ON_ALL_CORES)
.PHONY: help demo lab lab-stop bench bench-chain bench-alert test test-matrix clean $(STEPS)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run the whole flow against mock appliances
	@tools/run python tools/demo.py

lab: ## start the mock appliances in the background
	@tools/run python tools/lab.py start

lab-stop: ## stop the mock appliances
	@test ! -x .cache/venv/bin/python || tools/run python tools/lab.py stop

bench: ## measure time and memory of runs on FortiGates, and write the pages about it
	@tools/run python tools/foreign.py && tools/run python -m tools.bench

bench-chain: ## measure the whole chain on a large fleet, and write the pages about it
	@tools/run python -m tools.bench.chain

bench-alert: ## measure the time from an alert to its block with ansible-rulebook
	@tools/run python tools/rulebook.py && tools/run python -m tools.bench.alert

test-matrix: ## run sanity, unit tests and the chain with each ansible-core and installed Python
	@tools/run python tools/matrix.py $(PAIRS)

test: ## run every check below
	@tools/run echo "==> $(ON_ONE_CORE), three at a time; each prints its output when it ends"
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target $(ON_ONE_CORE)
	@tools/run python tools/check.py $(ON_ALL_CORES)

lint: ## check style, types, documentation and changelog
sanity: ## run ansible-test sanity
foreign: ## run Fortinet's own modules and another third-party client against the lab
rulebook: ## run the rulebooks with ansible-rulebook against the lab
molecule: ## run the Molecule scenarios
docs: ## build the documentation site in .cache/docs/html
build: ## build the collection, install it elsewhere, check it with Galaxy's importer
unit: ## run the unit tests
integration: ## run the integration tests
$(STEPS):
	@tools/run python tools/check.py $@

clean: lab-stop ## stop the lab and delete the files of all targets
	@rm -rf .cache .ansible changelogs/.plugin-cache.yaml
	@find . -name __pycache__ -prune -exec rm -rf {} +
