# Build:  docker build -t damselfly .
# Run:    docker run -p 6379:6379 -v ./redis.conf:/redis.conf:ro damselfly /redis.conf
#         with requirepass in the file: outside the container nobody may come in without one (protected mode).
#         The health check asks port 6379; with another port, repeat its flags in --health-cmd.
# Without a password, protected mode answers only clients of the container itself, as Redis does.

FROM node:22-bookworm-slim AS build
WORKDIR /source
# Runtime and packages first: a change of our own source leaves this layer as it is.
COPY package.json bun.lock ./
COPY scripts/setup scripts/setup
RUN bash -c '. scripts/setup && use_pinned_bun && install_packages'
COPY scripts/build.ts scripts/build.ts
COPY src src
RUN ./scripts/setup
# A distroless root: the program, glibc and its loader, an empty volume. No shell, no package manager, no users.
RUN mkdir -p image/data image/tmp && chown 65532:65532 image/data && chmod 1777 image/tmp && cp dist/damselfly image/ \
 && for file in $(ldd dist/damselfly | grep -o '/[^ ]*'); do mkdir -p image$(dirname $file); cp -L $file image$file; done

FROM scratch
COPY --from=build /source/image /
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 6379 11211
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/damselfly", "--healthcheck"]
ENTRYPOINT ["/damselfly"]
