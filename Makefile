# Everything is in scripts/; each says more with --help.

.DEFAULT_GOAL := help
.PHONY: help up down demo test test-faults bench fmt db clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

up: ## build and run PostgreSQL and both services on this machine, until Ctrl-C
	@exec scripts/up

down: ## stop what `make up` or `make db` has started, from any terminal; the data stay
	@exec scripts/down

demo: ## show an onsale, on the running system or on one started for it
	@exec scripts/demo

test: ## run every check, with a database of its own
	@exec scripts/test

test-faults: ## break everything for a minute while two instances sell, and prove that nothing was lost
	@exec scripts/test faults

bench: ## measure, with release builds and a durable database of its own
	@exec scripts/bench

fmt: ## format the Rust code
	cargo fmt --all

db: ## start only the private PostgreSQL and print its URL
	@mkdir -p -m 711 .onsale
	@exec scripts/postgres start .onsale/postgres

clean: ## stop everything; delete the build, the logs and the private database with its data
	@exec scripts/clean
