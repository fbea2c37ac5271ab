# What tests start besides the programs of this module. Each comes pinned by version, checked by hash where the client
# can (Go modules by the checksum database, Maven's and pip's files by the lists in here), and only once: a stamp named
# after the version stands for "complete", so that an interrupted download starts again and a new version replaces the old.

RETRY := deploy/servers/retry

GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION   := v1.9.0
VERSITYGW_VERSION     := v1.8.0
KAFKA_VERSION         := 4.3.1
LIGHTGBM_VERSION      := 4.7.0

# go-tool MODULE-PATH VERSION: builds a command of another module into the cache, outside of this module's go.mod.
define go-tool
	@mkdir -p $(STAMPS) && rm -f $(STAMPS)/$(notdir $(1))-*
	GOBIN=$(CACHE)/bin CGO_ENABLED=0 $(RETRY) go install -trimpath $(1)@$(2)
	@touch $@
endef

$(STAMPS)/golangci-lint-$(GOLANGCI_LINT_VERSION):
	$(call go-tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION))

$(STAMPS)/govulncheck-$(GOVULNCHECK_VERSION):
	$(call go-tool,golang.org/x/vuln/cmd/govulncheck,$(GOVULNCHECK_VERSION))

$(STAMPS)/versitygw-$(VERSITYGW_VERSION):
	$(call go-tool,github.com/versity/versitygw/cmd/versitygw,$(VERSITYGW_VERSION))

$(STAMPS)/kafka-$(KAFKA_VERSION):
	@mkdir -p $(STAMPS) && rm -rf $(STAMPS)/kafka-* $(CACHE)/kafka
	$(RETRY) mvn --batch-mode --quiet --strict-checksums --file deploy/servers/kafka/pom.xml \
		-Dkafka.version=$(KAFKA_VERSION) dependency:copy-dependencies -DoutputDirectory=$(CACHE)/kafka/libs
	cd $(CACHE)/kafka/libs && sha256sum --quiet --check $(CURDIR)/deploy/servers/kafka/SHA256SUMS
	@touch $@

$(STAMPS)/lightgbm-$(LIGHTGBM_VERSION):
	@mkdir -p $(STAMPS) && rm -rf $(STAMPS)/lightgbm-* $(CACHE)/lightgbm
	$(RETRY) python3 -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
		--requirement deploy/servers/lightgbm/requirements.txt --dest $(CACHE)/lightgbm
	python3 -m zipfile -e $(CACHE)/lightgbm/lightgbm-$(LIGHTGBM_VERSION)-*.whl $(CACHE)/lightgbm
	@touch $@

.PHONY: kafka versitygw lightgbm
kafka: $(STAMPS)/kafka-$(KAFKA_VERSION)             ## bring Kafka (Maven)
versitygw: $(STAMPS)/versitygw-$(VERSITYGW_VERSION) ## bring the S3 gateway versitygw (Go)
lightgbm: $(STAMPS)/lightgbm-$(LIGHTGBM_VERSION)    ## bring lib_lightgbm.so (pip)

.PHONY: debian
debian: ## install the Debian packages that tests need (as root)
	deploy/servers/debian
