# Two stages: one that compiles, one that runs. Works with the classic builder
# as well as with BuildKit.

FROM rust:1-slim-bookworm AS builder
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates gcc libc6-dev libssl-dev make pkg-config \
 && rm -rf /var/lib/apt/lists/*

# Behind a proxy that inspects TLS: the text of its certificate, so that the
# crates can be fetched (make build BUILD_CA_CERTIFICATE=proxy.crt).
ARG CA_CERTIFICATE=
RUN if [ -n "$CA_CERTIFICATE" ]; then \
      printf '%s\n' "$CA_CERTIFICATE" > /usr/local/share/ca-certificates/build.crt && update-ca-certificates; \
    fi

WORKDIR /build

# The dependencies first, compiled for an empty program, so that this layer is
# kept until the list of dependencies changes.
COPY Cargo.toml Cargo.lock ./
COPY schema/Cargo.toml schema/
RUN mkdir -p src schema/src benches \
 && echo 'fn main() {}' | tee src/main.rs > build.rs \
 && touch src/lib.rs schema/src/lib.rs \
 && for bench in $(sed -n '/^\[\[bench\]\]/,/^$/ s/^name = "\(.*\)"/\1/p' Cargo.toml); do \
      echo 'fn main() {}' > "benches/$bench.rs"; \
    done \
 && cargo build --release --locked --workspace

# What is copied is older than what was just compiled, which cargo would take
# for unchanged.
COPY . .
RUN touch build.rs src/main.rs src/lib.rs schema/src/lib.rs \
 && cargo build --release --locked --bin fhirmill

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates libssl3 \
 && rm -rf /var/lib/apt/lists/*

# Whoever runs the container names the user that owns the mounted folders
# (docker run --user, or FHIRMILL_UID and FHIRMILL_GID with Compose).
ARG FHIRMILL_UID=1000
ARG FHIRMILL_GID=1000
RUN groupadd --gid "$FHIRMILL_GID" fhirmill \
 && useradd --uid "$FHIRMILL_UID" --gid "$FHIRMILL_GID" --home-dir /srv/fhirmill --no-create-home fhirmill \
 && mkdir -p /srv/fhirmill/inbox /srv/fhirmill/archive /srv/fhirmill/rejects /srv/fhirmill/logs \
 && chown -R "$FHIRMILL_UID:$FHIRMILL_GID" /srv/fhirmill

COPY --from=builder /build/target/release/fhirmill /usr/local/bin/fhirmill

USER fhirmill
WORKDIR /srv/fhirmill
VOLUME ["/srv/fhirmill/inbox", "/srv/fhirmill/archive", "/srv/fhirmill/rejects", "/srv/fhirmill/logs"]
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 CMD ["fhirmill", "status", "--health"]
ENTRYPOINT ["fhirmill"]
CMD ["run"]
