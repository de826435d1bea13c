# Two stages: compile, and run. Works with the classic builder and with BuildKit.

FROM rust:1-slim-bookworm AS builder
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates g++ gcc libc6-dev libssl-dev make pkg-config \
 && rm -rf /var/lib/apt/lists/*

# Behind a proxy that inspects TLS: its certificate, so that crates can be
# downloaded (make build BUILD_CA_CERTIFICATE=proxy.crt).
ARG CA_CERTIFICATE=
RUN if [ -n "$CA_CERTIFICATE" ]; then \
      printf '%s\n' "$CA_CERTIFICATE" > /usr/local/share/ca-certificates/build.crt && update-ca-certificates; \
    fi

WORKDIR /build

# Compile the dependencies first, for an empty program, so that this layer stays
# cached until the dependencies change.
COPY Cargo.toml Cargo.lock ./
COPY crates/arrow/Cargo.toml crates/arrow/
COPY crates/core/Cargo.toml crates/core/
COPY crates/postgres/Cargo.toml crates/postgres/
COPY crates/synthetic/Cargo.toml crates/synthetic/
RUN mkdir -p src crates/arrow/src crates/core/src crates/postgres/src crates/synthetic/src \
 && echo 'fn main() {}' | tee src/main.rs > crates/postgres/build.rs \
 && touch src/lib.rs crates/arrow/src/lib.rs crates/core/src/lib.rs crates/postgres/src/lib.rs crates/synthetic/src/lib.rs \
 && cargo build --release --locked --bin fhirmill

# Copied sources are older than the artifacts just compiled, so cargo would take
# them for unchanged: touch them.
COPY . .
RUN touch crates/postgres/build.rs crates/*/src/lib.rs src/main.rs src/lib.rs \
 && cargo build --release --locked --bin fhirmill

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates libssl3 \
 && rm -rf /var/lib/apt/lists/*

# pg_dump and pg_restore of the server's version, for `fhirmill backup`, from the packages of the
# PostgreSQL project: Debian's refuse a newer server. Where they cannot be reached, the image is built
# without them, and a backup says what it lacks.
ARG POSTGRES_VERSION=18
RUN apt-get update \
 && apt-get install --yes --no-install-recommends postgresql-common \
 && { { /usr/share/postgresql-common/pgdg/apt.postgresql.org.sh -y \
     && apt-get install --yes --no-install-recommends "postgresql-client-$POSTGRES_VERSION"; } \
   || { echo "warning: without pg_dump of PostgreSQL $POSTGRES_VERSION, for backups" >&2; \
        rm -f /etc/apt/sources.list.d/pgdg.*; }; } \
 && rm -rf /var/lib/apt/lists/*

# The container must run as the owner of the mounted folders: set it with
# `docker run --user`, or with FHIRMILL_UID and FHIRMILL_GID for Compose.
ARG FHIRMILL_UID=1000
ARG FHIRMILL_GID=1000
RUN groupadd --gid "$FHIRMILL_GID" fhirmill \
 && useradd --uid "$FHIRMILL_UID" --gid "$FHIRMILL_GID" --home-dir /srv/fhirmill --no-create-home fhirmill \
 && mkdir -p /srv/fhirmill/inbox /srv/fhirmill/archive /srv/fhirmill/rejects /srv/fhirmill/logs /srv/fhirmill/secrets \
      /srv/fhirmill/backups \
 && chown -R "$FHIRMILL_UID:$FHIRMILL_GID" /srv/fhirmill

COPY --from=builder /build/target/release/fhirmill /usr/local/bin/fhirmill

# `make build` says which version and which sources.
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="fhirmill" \
      org.opencontainers.image.description="Loads FHIR R4 files into Postgres tables" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

USER fhirmill
WORKDIR /srv/fhirmill
VOLUME ["/srv/fhirmill/inbox", "/srv/fhirmill/archive", "/srv/fhirmill/rejects", "/srv/fhirmill/logs", "/srv/fhirmill/secrets", "/srv/fhirmill/backups"]
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 CMD ["fhirmill", "status", "--health"]
ENTRYPOINT ["fhirmill"]
CMD ["run"]
