# One static binary in an empty image: `rcl`, and `redis-cli` as a second name of it.

FROM rust:1.95-slim AS build
WORKDIR /src
COPY . .
# --target keeps the flags away from build scripts and procedural macros, which cannot be static. The backend asks
# the kernel for random bytes: a static binary finds no dynamic symbol for it, and would want /dev/urandom.
RUN target="$(rustc -vV | sed -n 's/^host: //p')" \
 && RUSTFLAGS='-C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom"' cargo build --release --locked --bin rcl --target "$target" \
 && mkdir -p /image/bin /image/data \
 && cp "target/$target/release/rcl" /image/bin/rcl \
 && ln -s rcl /image/bin/redis-cli \
 && chown 10001:10001 /image/data

FROM scratch
COPY --from=build /image /
ENV PATH=/bin
USER 10001:10001
WORKDIR /data
VOLUME /data
ENTRYPOINT ["/bin/rcl"]
CMD ["--help"]
