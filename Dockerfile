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

# What runs while an image is built runs on this machine's own processor, and builds for TARGETARCH: no emulation is needed.
FROM --platform=${BUILDPLATFORM} ${GO_IMAGE} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Git's folder is not in the build's context, so whoever builds gives the version (make image does).
ARG VERSION=unknown
ARG TARGETOS
ARG TARGETARCH
RUN mkdir /out && CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -ldflags "-s -w -X main.version=${VERSION}" -o /out/ ./consumer ./producer ./trainer

# LightGBM's library out of its wheel, by the hash that the tests use too.
FROM --platform=${BUILDPLATFORM} ${PYTHON_IMAGE} AS lightgbm
WORKDIR /wheel
COPY deploy/servers/lightgbm/requirements.txt .
ARG TARGETARCH
RUN case "${TARGETARCH}" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; *) echo "LightGBM has no wheel for ${TARGETARCH}" >&2; exit 1 ;; esac \
 && python3 -m pip download --quiet --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement requirements.txt \
    --platform "manylinux_2_28_${machine}" --platform "manylinux_2_27_${machine}" --platform "manylinux2014_${machine}" \
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
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="complaints trainer" \
      org.opencontainers.image.description="Trains the model that classifies complaints" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM ${STATIC_IMAGE} AS producer
COPY --from=build /out/producer /producer
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["/producer"]
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="complaints producer" \
      org.opencontainers.image.description="Publishes complaints to a Kafka topic" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0"

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
ARG VERSION=unknown
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="complaints consumer" \
      org.opencontainers.image.description="Classifies the complaints of a Kafka topic, keeps them in a lake, and answers over HTTP" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.licenses="Apache-2.0"

FROM consumer AS api
ENV COMPLAINTS_ROLES=api
