# Every command of the project; `make` alone lists them.
SHELL := /bin/bash
export PATH := $(CURDIR)/.tools/bin:$(HOME)/.cargo/bin:$(PATH)
MAKEFLAGS += --no-print-directory

WEB_SOURCES = $(shell find web -type f -not -path '*/node_modules/*' -not -path 'web/dist*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help run test web bench bench-full bench-janus bench-parts bench-mixer bench-compose bench-record fmt e2e-pages clean

help: ## List these commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|' 2>/dev/null || sed -n 's/^\([a-z-]*\):.*## /  make \1   /p' Makefile

run: ## Bring what is missing, build pages and server in release, start it (ARGS="--http 0.0.0.0:8090" to change)
	@scripts/bootstrap run
	@$(MAKE) web
	cargo run --release -p kennel -- $(ARGS)

test: ## Every test: formatting, lints, Rust, pages, real browsers
	@scripts/bootstrap test
	@scripts/test $(ONLY)

web: web/dist/.built ## Build the pages into web/dist

web/dist/.built: web/node_modules/.package-lock.json $(WEB_SOURCES)
	npm --prefix web run build
	@touch $@

# The pages again, with what only tests may reach (the grid with drawn tiles).
e2e-pages: web/node_modules/.package-lock.json
	npm --prefix web run build:e2e

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	npm --prefix $* ci --no-audit --no-fund
	@touch $@

# The vendor's library for Python, in the version that the number stands for.
e2e-rest/.venv-%/.ready: e2e-rest/requirements-%.txt
	rm -rf $(@D)
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

bench: ## What a delivered packet costs, in under five minutes (ARGS="--scenario fan --subscribers 10" for one load; docs/bench.md)
	@scripts/bootstrap run
	cargo build --release -p kennel -p kennel-bench
	target/release/kennel-bench $(ARGS)

bench-full: ## The same in every size, beside Janus where it is installed, with drawings: an hour
	@scripts/bootstrap run
	cargo build --release -p kennel -p kennel-bench
	scripts/bench-full $(ARGS)

bench-janus: ## As bench, beside Janus, in turn (needs root and the package janus)
	@scripts/bootstrap run
	cargo build --release -p kennel -p kennel-bench
	scripts/bench-janus $(ARGS)

bench-parts: ## What single parts cost by themselves (cargo bench)
	cargo bench --workspace

bench-mixer: ## What a mixed picture costs, beside ffmpeg's (needs ffmpeg)
	scripts/bench-mixer $(ARGS)

bench-compose: ## What a composition costs, beside ffmpeg's (needs ffmpeg)
	scripts/bench-compose $(ARGS)

bench-record: ## What recording costs: tracks beside one more subscriber, mixes beside the same unrecorded (ARGS=mixes for one)
	cargo build --release -p kennel -p kennel-bench
	scripts/bench-record $(ARGS)

fmt: ## Format Rust
	cargo fmt --all

clean: ## Remove what was built and fetched
	rm -rf target web/dist web/node_modules e2e/node_modules e2e/out e2e-rest/node_modules e2e-rest/.venv-* .tools
