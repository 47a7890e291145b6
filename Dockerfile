# Build:  docker build -t damselfly .
# Run:    docker run -p 6379:6379 -v damselfly:/data damselfly --requirepass SECRET
# Without a password, protected mode answers only clients of the container itself, as Redis does.

FROM node:22-bookworm-slim AS build
WORKDIR /source
# Runtime and packages first: a change of our own source leaves this layer as it is.
COPY package.json bun.lock ./
COPY scripts/setup scripts/setup
RUN bash -c '. scripts/setup && use_pinned_bun && install_packages'
COPY scripts/build.ts scripts/build.ts
COPY src src
RUN ./scripts/setup && mkdir /data

# glibc, its loader and CA certificates; no shell and no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /source/dist/damselfly /damselfly
COPY --from=build --chown=nonroot:nonroot /data /data
USER nonroot
WORKDIR /data
VOLUME /data
EXPOSE 6379 11211
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/damselfly", "--healthcheck"]
ENTRYPOINT ["/damselfly"]
