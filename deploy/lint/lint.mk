# Checks of all that is not Go: workflows, scripts, AWS templates, the compose file, the Helm chart, Prometheus' settings and rules.
# `make test` runs them. Exceptions stand beside what they excuse, with the reason.

ACTIONLINT_VERSION := v1.7.12
COMPOSE_VERSION    := v2.16.2
HELM_VERSION       := v4.3.2
KEDA_VERSION       := v2.21.0
OPERATOR_VERSION   := v0.85.0
KUBERNETES_VERSION := 1.37.0

actionlint := $(STAMPS)/actionlint-$(ACTIONLINT_VERSION)
compose    := $(STAMPS)/compose-spec-$(COMPOSE_VERSION)
helm       := $(STAMPS)/helm-$(HELM_VERSION)
crds       := $(STAMPS)/crds-$(KEDA_VERSION)-$(OPERATOR_VERSION)
chart      := $(CACHE)/chart
linters    := $(STAMPS)/linters-$(shell sha256sum deploy/lint/requirements.txt | cut -c 1-12)
scripts    := .ci/run deploy/aws/deploy deploy/aws/push deploy/aws/run-task deploy/aws/smoke deploy/release/images deploy/release/notes deploy/servers/debian deploy/servers/retry

$(actionlint):
	$(call go-tool,actionlint,github.com/rhysd/actionlint/cmd/actionlint,$(ACTIONLINT_VERSION))

$(compose):
	$(call go-tool,compose-spec,github.com/compose-spec/compose-go/v2/cmd,$(COMPOSE_VERSION))

$(linters):
	$(call renew,linters)
	python3 -m venv $(CACHE)/linters
	$(retry) $(CACHE)/linters/bin/python -m pip install --quiet --only-binary :all: --require-hashes \
		--requirement deploy/lint/requirements.txt
	@touch $@

$(helm):
	$(call go-tool,helm,helm.sh/helm/v4/cmd/helm,$(HELM_VERSION))

# module-dir MODULE@VERSION: where Go keeps the files of a module, which it checks by the checksum database.
module-dir = $$($(retry) go mod download -json $(1) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')

# Definitions of the custom resources that the chart makes, out of the modules of their projects.
$(crds):
	$(call renew,crds)
	@mkdir $(CACHE)/crds
	cp "$(call module-dir,github.com/kedacore/keda/v2@$(KEDA_VERSION))"/config/crd/bases/keda.sh_{scaledobjects,triggerauthentications}.yaml $(CACHE)/crds
	cp "$(call module-dir,github.com/prometheus-operator/prometheus-operator@$(OPERATOR_VERSION))"/example/prometheus-operator-crd/monitoring.coreos.com_{servicemonitors,prometheusrules}.yaml $(CACHE)/crds
	@chmod u+w $(CACHE)/crds/* && touch $@

.PHONY: compose helm lint-chart lint-deploy
compose: $(compose) ## bring compose's own reader of compose files (Go)
helm: $(helm) ## bring Helm (Go)

# CKV_K8S_11: a CPU limit throttles a consumer that catches up; requests share the cores fairly. CKV_K8S_15 and 43: values/bank.yaml shows
# digests, and where images are named so, "always" pulls nothing new.
lint-chart: $(helm) $(crds) $(linters) ## check the Helm chart: lint, and its manifests of five sets of values against the schemas
	@rm -rf $(chart) && mkdir -p $(chart)
	for values in deploy/helm/values/*.yaml; do \
		$(CACHE)/bin/helm lint --quiet --strict --values $$values deploy/helm; \
		$(CACHE)/bin/helm template complaints deploy/helm --namespace complaints --values $$values > $(chart)/$$(basename $$values); \
	done
	$(CACHE)/linters/bin/kubernetes-validate --kubernetes-version $(KUBERNETES_VERSION) --strict --quiet --no-warn $(chart)/*.yaml
	$(CACHE)/linters/bin/python deploy/lint/crds.py $(CACHE)/crds $(chart)/*.yaml
	$(CACHE)/linters/bin/checkov --skip-download --compact --quiet --framework kubernetes --skip-check CKV_K8S_11,CKV_K8S_15,CKV_K8S_43 --directory $(chart)

lint-deploy: $(actionlint) $(compose) $(linters) lint-chart ## check workflows, scripts, AWS templates, the compose file, the chart, Prometheus' rules
	PATH=$(CACHE)/linters/bin:$$PATH $(CACHE)/bin/actionlint
	$(CACHE)/linters/bin/zizmor --quiet --offline --persona=pedantic .github
	$(CACHE)/linters/bin/shellcheck $(scripts)
	$(CACHE)/linters/bin/cfn-lint deploy/aws/*.yaml
	$(CACHE)/linters/bin/checkov --skip-download --compact --quiet --framework cloudformation --directory deploy/aws
	$(CACHE)/bin/compose-spec docker-compose.yml >/dev/null
	promtool check config deploy/prometheus/prometheus.yml
	promtool test rules deploy/prometheus/rules_test.yml deploy/prometheus/rules_slow_test.yml
