# `make` lists the targets. `make demo` needs only Go; `make test` brings all else that it needs, or says what to install.

SHELL         := bash
.SHELLFLAGS   := -euo pipefail -c
.DEFAULT_GOAL := help

# One target after the other, in the order written: what this machine lacks is said first. Go and the tests use all cores anyway.
.NOTPARALLEL:

# One place for all that is downloaded or built for tests; a value from outside is shared by several clones.
CACHE  := $(abspath $(or $(COMPLAINTS_CACHE),.cache))
STAMPS := $(CACHE)/stamps
export COMPLAINTS_CACHE := $(CACHE)

# Training needs LightGBM's library. Whoever has one elsewhere names it.
export LIGHTGBM_LIB ?= $(CACHE)/lightgbm/lightgbm/lib/lib_lightgbm.$(if $(filter Darwin,$(shell uname)),dylib,so)

VERSION  := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
PROGRAMS := $(patsubst %/main.go,%,$(wildcard */main.go))
TAGS     := servers,failpoint

include deploy/servers/servers.mk
include deploy/bench/bench.mk
include deploy/lint/lint.mk
include deploy/release/release.mk

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{ printf "  %-14s %s\n", $$1, $$2 }'

.PHONY: demo
demo: ## classify the bundled sample with the embedded broker (needs only Go)
	CGO_ENABLED=0 go build -o bin/ ./consumer ./producer
	go run ./deploy/demo

.PHONY: build
build: ## build the programs into bin/, their version stamped from git's tags
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ $(addprefix ./,$(PROGRAMS))

.PHONY: image
image: ## build the image of the API, which docker run -p 8000:8000 complaints serves
	$(or $(shell command -v docker),podman) build --build-arg VERSION=$(VERSION) --build-arg REVISION=$(shell git rev-parse HEAD) --tag complaints .

.PHONY: fmt
fmt: $(golangci-lint) ## format the Go files
	$(CACHE)/bin/golangci-lint fmt ./...

.PHONY: lint
lint: $(golangci-lint) ## run the linters of .golangci.yml
	$(CACHE)/bin/golangci-lint run ./...

.PHONY: check
check: lint ## run the linters, go vet, and see that go.mod is tidy
	go mod tidy -diff
	go vet ./...
	go vet -tags $(TAGS) ./...

.PHONY: test
# Some tests build the programs and run them: a result that go remembers says nothing of those.
test: debian check lint-deploy servers lightgbm ## run everything, on real servers too
	go test -tags $(TAGS) -count 1 -timeout 20m ./...

.PHONY: chaos
chaos: debian kafka versitygw toxiproxy ## break all that can break, take each guarantee out, and print what came of it (half an hour)
	go test -tags $(TAGS) -count 1 -timeout 90m -v -run 'TestMatrix|TestMutations' ./deploy/chaos -chaos.long

# The pictures of the live page show as many minutes of the sample.
PICTURE_MINUTES ?= 8

.PHONY: screenshots
screenshots: axe ## take the pictures in docs/images anew, in a real browser
	go test -tags servers -count 1 -run 'Test(Docs|LivePage)InABrowser' -timeout 30m ./consumer -picture-minutes $(PICTURE_MINUTES)
	cd $(CACHE)/artifacts && cp docs-{desktop,phone}.png live-{desktop,phone,desktop-dark,phone-dark}.png $(CURDIR)/docs/images/

# How many messages soak publishes: make soak SOAK_MESSAGES=200000
SOAK_MESSAGES ?= 1000000

.PHONY: soak
soak: debian kafka versitygw toxiproxy ## publish a million messages, kill consumers all the while, and print what came of it and the memory
	go test -tags $(TAGS) -count 1 -timeout 4h -v -run TestSoak ./deploy/chaos -soak.messages $(SOAK_MESSAGES) $(SOAKFLAGS)

.PHONY: test-bucket
test-bucket: ## ask the bucket COMPLAINTS_TEST_LAKE (s3://bucket/prefix, empty) for what the lake needs of S3
	go test -tags bucket -count 1 -run TestBucket ./internal/lake/

.PHONY: bootstrap
bootstrap: lightgbm ## remake the bundle that is built in and the sample, from the complaints in DATA
	go run ./trainer bootstrap --data "$(DATA)" --out internal/classifier/bootstrap --sample producer/sample/complaints.csv.gz

.PHONY: vuln
vuln: $(govulncheck) ## look for known vulnerabilities (asks the Go vulnerability database)
	$(CACHE)/bin/govulncheck ./...

.PHONY: clean
clean: ## remove what was built, but not what was brought
	rm -rf bin
