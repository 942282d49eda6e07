# Each target makes the environment first.
.PHONY: bench bench-quick flame rehearse engines

rehearse: ## a Dataflow submission without a cloud (docs/rehearsal.md), under a minute
	tests/rehearsal/run.sh

# The figures of docs/performance.md.

bench: ## everything, under 15 minutes
	benchmarks/run.sh --json bench.json --plot docs/performance.svg --page docs/performance.md

bench-quick: ## less of everything, under 2 minutes
	benchmarks/run.sh --quick

flame: ## where the time goes
	BENCHMARK=benchmarks.flame benchmarks/run.sh

engines: ## the job on Flink and on Prism, with kills; needs Java 17, Maven, Go; about 15 minutes
	engines/run.sh
