# The front door. Each target installs what is missing, configures, builds and runs; the build
# itself is CMake's (CMakePresets.json).
#
#   make         build/release/windrow
#   make test    build everything and run every test
#   make test-crash   the crash laboratory in full (40 minutes; its short form is in make test)
#   make test-fuzz    libFuzzer on every decoder, 60 s each (a quarter of an hour; the saved inputs are
#                in make test); writes what it finds to build/fuzz/tests/fuzz
#   make test-door    the front door in full: slow clients, the API against its description (15
#                     minutes; its short form is in make test)
#   make demo    real flights become windowed features, and a table
#   make bench   the benchmarks' table; writes build/release/bench.json (half an hour)
#   make clean   remove every build
#
# JOBS=N and TEST_JOBS=N: how many compilers and tests run at once (2).

JOBS ?= 2
TEST_JOBS ?= 2

.PHONY: build test test-crash test-fuzz test-door demo bench clean setup setup-tests configure
.DEFAULT_GOAL := build

setup:
	@./setup.sh

configure: setup
	@mkdir -p build
	@cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }

build: configure
	@cmake --build --preset release --parallel $(JOBS) --target windrow

setup-tests:
	@./setup.sh --tests

test: setup-tests configure
	@cmake --build --preset release --parallel $(JOBS)
	@ctest --preset release --parallel $(TEST_JOBS)

test-crash: configure
	@cmake --build --preset release --parallel $(JOBS)
	@ctest --preset release --parallel $(TEST_JOBS) -C crash -L crash-full

test-fuzz:
	@./setup.sh --fuzz
	@mkdir -p build
	@cmake --preset fuzz >build/configure-fuzz.log 2>&1 || { cat build/configure-fuzz.log; exit 1; }
	@cmake --build --preset fuzz --parallel $(JOBS)
	@ctest --preset fuzz --parallel $(TEST_JOBS)

test-door: setup-tests configure
	@cmake --build --preset release --parallel $(JOBS) --target windrow
	@ctest --preset release -C door -L door-full --output-on-failure

demo: build
	@examples/flights/demo.sh build/release/windrow

bench: configure
	@cmake --build --preset release --parallel $(JOBS) --target bench

clean:
	rm -rf build
