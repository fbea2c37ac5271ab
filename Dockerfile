# The three programs, each in an image of its own. The last stage, which is built by default, answers over HTTP on port
# 8000 with the built-in model and needs neither Kafka nor S3:
#
#     docker build -t complaints . && docker run --read-only -p 8000:8000 complaints
#
# The others: --target consumer, --target producer, --target trainer.
#
# Base images are arguments, so that a house with its own registry, or a pinned digest, needs no other file.
ARG GO_IMAGE=golang:1.26-bookworm
ARG PYTHON_IMAGE=python:3.13-slim-bookworm
ARG STATIC_IMAGE=gcr.io/distroless/static-debian12:nonroot
ARG CC_IMAGE=gcr.io/distroless/cc-debian12:nonroot

FROM ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Git's folder is not in the build's context: whoever builds says what he builds (make image does).
ARG VERSION=unknown
RUN mkdir /out && CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/ ./consumer ./producer ./trainer

# LightGBM's library out of its wheel, by the hash that the tests use too.
FROM ${PYTHON_IMAGE} AS lightgbm
WORKDIR /wheel
COPY deploy/servers/lightgbm/requirements.txt .
RUN python3 -m pip download --quiet --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement requirements.txt \
 && python3 -m zipfile -e lightgbm-*.whl .

# Not static: LightGBM needs C, C++ and OpenMP.
FROM ${CC_IMAGE} AS trainer
COPY --from=lightgbm /wheel/lightgbm/lib/lib_lightgbm.so /usr/lib/lib_lightgbm.so
COPY --from=build /out/trainer /trainer
ENV LIGHTGBM_LIB=/usr/lib/lib_lightgbm.so
USER 65532:65532
WORKDIR /tmp
# For texts while it trains. What mounts a volume here (ECS) takes over that every user may write.
VOLUME /tmp
ENTRYPOINT ["/trainer"]

FROM ${STATIC_IMAGE} AS producer
COPY --from=build /out/producer /producer
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["/producer"]

FROM ${STATIC_IMAGE} AS consumer
COPY --from=build /out/consumer /consumer
# Everywhere, because a container is reached from outside of it. Without the role api it serves health and metrics there.
ENV COMPLAINTS_HTTP_ADDR=0.0.0.0:8000
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["/consumer", "healthcheck"]
USER 65532:65532
WORKDIR /tmp
# For results of a file whose client reads only when it has sent all.
VOLUME /tmp
ENTRYPOINT ["/consumer"]

FROM consumer AS api
ENV COMPLAINTS_ROLES=api
