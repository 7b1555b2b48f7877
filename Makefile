# The commands of a newcomer and of a developer. Each is a small script under scripts/.
.PHONY: help up down test test-nightly bench check types format
help: ## list these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16
up: ## install, build, start, push examples/hello and show its address
	@scripts/up
down: ## stop what `make up` started; the data stays
	@scripts/down
test: ## every test but the long ones; ends with ctest's summary
	@scripts/test
test-nightly: ## also the long tests
	@PAASTECH_TEST_LABEL=nightly scripts/test
bench: ## measure against other programs in the same run; writes bench/RESULTS.md
	@scripts/install-packages build run test bench
	@scripts/bench
check: ## formatting, clang-tidy, the second compiler and the sanitizers
	@scripts/install-packages build run test check
	@scripts/check
types: ## write web/src/api.d.ts, the TypeScript types of api/openapi.yaml
	@scripts/types
format: ## put every C++ file in the project's format
	@git ls-files '*.h' '*.cc' | xargs clang-format-19 -i
