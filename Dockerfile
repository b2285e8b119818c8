# Both services: one build, two images.
#
#   docker build --target command-service --tag onsale-command-service .
#   docker build --target query-service --tag onsale-query-service .

# The release of Rust that rust-toolchain.toml names.
FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# The caches outlive the layer, so that a changed line does not build every dependency again. What
# is built lies in a cache too, which the images cannot see: hence the copies.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --release --locked --bin command-service --bin query-service \
    && mkdir -p /out \
    && cp target/release/command-service target/release/query-service /out/

# The same Debian as the build's: the same libc. Nobody logs in here, and nothing is written.
FROM debian:bookworm-slim AS runtime
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001

FROM runtime AS command-service
COPY --from=build /out/command-service /usr/local/bin/command-service
# On every address of the container; who may reach it is said where its ports are published.
ENV ONSALE_COMMAND_LISTEN=0.0.0.0:50051
EXPOSE 50051
ENTRYPOINT ["/usr/local/bin/command-service"]
CMD ["serve"]

FROM runtime AS query-service
COPY --from=build /out/query-service /usr/local/bin/query-service
ENV ONSALE_QUERY_LISTEN=0.0.0.0:50052
EXPOSE 50052
ENTRYPOINT ["/usr/local/bin/query-service"]
CMD ["serve"]
