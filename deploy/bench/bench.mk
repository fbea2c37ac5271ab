# Measurements; PERFORMANCE.md says what they gave. They want a quiet machine.

python-stack := $(STAMPS)/python-stack-$(shell sha256sum deploy/bench/requirements.txt | cut -c 1-12)

# How much bench-stream measures, and further flags: make bench-stream MESSAGES=200000 BENCHFLAGS='-profiles /tmp'
MESSAGES   ?= 1000000
BENCHFLAGS ?=

$(python-stack):
	$(call renew,python-stack)
	python3 -m venv $(CACHE)/python-stack
	$(retry) $(CACHE)/python-stack/bin/python -m pip install --quiet --only-binary :all: --require-hashes \
		--requirement deploy/bench/requirements.txt
	@touch $@

.PHONY: bench-python
bench-python: $(python-stack) ## bring the Python stack that bench-stream compares with (pip)

.PHONY: bench
bench: ## run the Go benchmarks: decode, classify, encode, Parquet, transactions
	go test -run '^$$' -bench . -benchmem ./schema ./internal/classifier ./internal/lake ./consumer/...

.PHONY: bench-stream
bench-stream: kafka versitygw bench-python ## measure the stream on real Kafka: rate, latency, the ceiling, the Python stack
	@mkdir -p $(CACHE)/bench
	go test -tags servers -run '^$$' -bench '^BenchmarkStream$$' -benchtime 1x -timeout 60m ./deploy/bench \
		-messages $(MESSAGES) -report $(CACHE)/bench/stream.json $(BENCHFLAGS)
	@cat $(CACHE)/bench/stream.json

# How much bench-trainer trains on, and whose words are changed to make it: make bench-trainer ROWS=20000 DATA=complaints.csv.gz
ROWS ?= 200000

.PHONY: bench-trainer
bench-trainer: lightgbm ## measure a training of the weekly loop: time and memory of 200,000 rows
	go test -tags servers -run '^$$' -bench '^BenchmarkTrainer$$' -benchtime 1x -timeout 120m ./deploy/bench \
		-rows $(ROWS) $(if $(DATA),-complaints $(abspath $(DATA)))

.PHONY: bench-scale
bench-scale: kafka versitygw ## measure 1, 2 and 4 consumers, each held to a quarter of a core (needs root and Linux's control groups)
	go test -tags servers -run '^$$' -bench '^BenchmarkScale$$' -benchtime 1x -timeout 30m ./deploy/bench $(BENCHFLAGS)

python-api := $(STAMPS)/python-api-$(shell sha256sum deploy/bench/api/requirements.txt | cut -c 1-12)

$(python-api):
	$(call renew,python-api)
	python3 -m venv $(CACHE)/python-api
	$(retry) $(CACHE)/python-api/bin/python -m pip install --quiet --only-binary :all: --require-hashes \
		--requirement deploy/bench/api/requirements.txt
	@touch $@

.PHONY: bench-api
bench-api: $(python-api) ## measure predictions over HTTP, beside the usual Python stack
	go test -tags servers -run '^$$' -bench '^BenchmarkAPI$$' -benchtime 1x -timeout 10m ./deploy/bench/api

# How long soak-api goes on: make soak-api SOAK=10m
SOAK ?= 1h

.PHONY: soak-api
soak-api: ## ask the API good and bad things for an hour; memory and goroutines must stay as they were
	go test -count 1 -run '^TestSoak$$' -v -timeout 0 ./consumer/api -soak $(SOAK)

.PHONY: bench-listing
bench-listing: versitygw ## measure what resuming and verifying ask of a store with 100,000 claims and objects
	go test -tags servers -count 1 -timeout 60m -v -run '^TestFindAmong100000Claims$$' ./consumer/sink
	go test -tags servers -count 1 -timeout 60m -v -run '^TestVerifyManyObjects$$' ./consumer/verify -listing.objects 100000
