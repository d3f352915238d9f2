# syntax=docker/dockerfile:1
FROM rust:1.92-alpine AS build
RUN apk add --no-cache musl-dev
WORKDIR /src
COPY Cargo.toml Cargo.lock ./
COPY src ./src
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target <<EOT
set -eu
cargo build --locked --release
install -D target/release/server /out/server
EOT

FROM alpine:3.23
RUN apk add --no-cache ca-certificates tini \
    && adduser -D -H -u 10001 server
COPY --from=build /out/server /usr/local/bin/server
USER server
EXPOSE 8080
ENTRYPOINT ["/sbin/tini", "--"]
CMD ["server"]
