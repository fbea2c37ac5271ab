# Checks of all that is not Go: workflows, scripts, AWS templates, the compose file, Prometheus' settings and rules.
# `make test` runs them. Exceptions stand beside what they excuse, with the reason.

ACTIONLINT_VERSION := v1.7.12
COMPOSE_VERSION    := v2.16.2

actionlint := $(STAMPS)/actionlint-$(ACTIONLINT_VERSION)
compose    := $(STAMPS)/compose-spec-$(COMPOSE_VERSION)
linters    := $(STAMPS)/linters-$(shell sha256sum deploy/lint/requirements.txt | cut -c 1-12)
scripts    := .ci/run deploy/aws/deploy deploy/aws/push deploy/aws/run-task deploy/aws/smoke deploy/servers/debian deploy/servers/retry

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

.PHONY: compose lint-deploy
compose: $(compose) ## bring compose's own reader of compose files (Go)

lint-deploy: $(actionlint) $(compose) $(linters) ## check workflows, scripts, AWS templates, the compose file, Prometheus' rules
	PATH=$(CACHE)/linters/bin:$$PATH $(CACHE)/bin/actionlint
	$(CACHE)/linters/bin/zizmor --quiet --offline --persona=pedantic .github
	$(CACHE)/linters/bin/shellcheck $(scripts)
	$(CACHE)/linters/bin/cfn-lint deploy/aws/*.yaml
	$(CACHE)/linters/bin/checkov --skip-download --compact --quiet --framework cloudformation --directory deploy/aws
	$(CACHE)/bin/compose-spec docker-compose.yml >/dev/null
	promtool check config deploy/prometheus/prometheus.yml
	promtool test rules deploy/prometheus/rules_test.yml deploy/prometheus/rules_slow_test.yml
