# Releases: .goreleaser.yaml says what is made, .github/workflows/release.yml makes it.

GORELEASER_VERSION := v2.15.4
SYFT_VERSION       := v1.57.1

goreleaser := $(STAMPS)/goreleaser-$(GORELEASER_VERSION)
syft       := $(STAMPS)/syft-$(SYFT_VERSION)
snapshot   := $(CACHE)/snapshot

$(goreleaser):
	$(call go-tool,goreleaser,github.com/goreleaser/goreleaser/v2,$(GORELEASER_VERSION))

$(syft):
	$(call go-tool,syft,github.com/anchore/syft/cmd/syft,$(SYFT_VERSION))

.PHONY: goreleaser release release-snapshot
goreleaser: $(goreleaser) $(syft) ## bring goreleaser and syft (Go; minutes)

# All platforms take long, so one is made here: that of this machine. Nothing is published, so it needs no remote.
release-snapshot: goreleaser ## make the archive of a release for this machine's platform, and look into it
	@mkdir -p $(snapshot)
	sed -e 's/goos: .*/goos: [$(shell go env GOOS)]/' -e 's/goarch: .*/goarch: [$(shell go env GOARCH)]/' .goreleaser.yaml > $(snapshot)/goreleaser.yaml
	printf 'dist: $(snapshot)/dist\nrelease: {disable: true}\n' >> $(snapshot)/goreleaser.yaml
	$(CACHE)/bin/goreleaser check --quiet $(snapshot)/goreleaser.yaml
	VERSION=$(VERSION) PATH=$(CACHE)/bin:$$PATH $(CACHE)/bin/goreleaser release --snapshot --clean --config $(snapshot)/goreleaser.yaml
	cd $(snapshot)/dist && sha256sum --check checksums.txt && tar -xzf complaints_*.tar.gz
	for program in $(PROGRAMS); do echo "$$program $$($(snapshot)/dist/$$program --version)"; done
	grep -q github.com/twmb/franz-go $(snapshot)/dist/*.sbom.json

release: goreleaser ## make the archives of the tag that is checked out, and publish them (needs GITHUB_TOKEN)
	deploy/release/notes "$$(git describe --tags --exact-match)" > $(CACHE)/notes.md
	VERSION=$(VERSION) PATH=$(CACHE)/bin:$$PATH $(CACHE)/bin/goreleaser release --clean --release-notes $(CACHE)/notes.md
