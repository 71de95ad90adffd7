# What people run. Each target installs what is missing, configures, builds and runs; the build
# itself is CMake's (CMakePresets.json).
#
#   make         build/release/windrow
#   make install PREFIX=/usr/local   the program, the library, the manual (DESTDIR is obeyed)
#   make package Debian packages, in build/package
#   make test    build everything and run every test
#   make test-crash   the crash laboratory in full (40 minutes; its short form is in make test)
#   make test-fuzz    libFuzzer on every decoder, 60 s each (a quarter of an hour; the saved inputs are
#                in make test); writes what it finds to build/fuzz/tests/fuzz
#   make test-http    the HTTP server in full: slow clients, the API against its description (15
#                     minutes; its short form is in make test)
#   make test-package windrow inside another project, and the packages in a root of their own
#   make test-debian13   make demo and make test in a root of Debian 13
#   make demo    real flights become windowed features, and a table
#   make bench   the benchmarks' table; writes build/release/bench.json (half an hour)
#   make clean   remove every build
#
# JOBS=N and TEST_JOBS=N: how many compilers and tests run at once (2). WERROR=ON: warnings are
# errors from now on, as where changes are judged (.ci/run); OFF: not any more.

JOBS ?= 2
TEST_JOBS ?= 2
WERROR ?=
PREFIX ?= /usr/local

.PHONY: build install package test test-crash test-fuzz test-http test-package test-debian13
.PHONY: demo bench clean setup setup-tests configure
.DEFAULT_GOAL := build

setup:
	@./setup.sh

configure: setup
	@mkdir -p build
	@cmake --preset release $(if $(WERROR),-DWINDROW_WERROR=$(WERROR)) >build/configure.log 2>&1 \
		|| { cat build/configure.log; exit 1; }

build: configure
	@cmake --build --preset release --parallel $(JOBS) --target windrow

install: configure
	@cmake -DCMAKE_INSTALL_PREFIX='$(PREFIX)' build/release >>build/configure.log
	@cmake --build --preset release --parallel $(JOBS) --target windrow_installable
	@cmake --install build/release

package:
	@./setup.sh --package
	@packaging/make_packages.sh build/package $(JOBS)

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
	@clang=$$(./setup.sh --clang) && cmake --preset fuzz \
		-DCMAKE_C_COMPILER=clang-$$clang -DCMAKE_CXX_COMPILER=clang++-$$clang \
		>build/configure-fuzz.log 2>&1 || { cat build/configure-fuzz.log; exit 1; }
	@cmake --build --preset fuzz --parallel $(JOBS)
	@ctest --preset fuzz --parallel $(TEST_JOBS)

test-http: setup-tests configure
	@cmake --build --preset release --parallel $(JOBS) --target windrow
	@ctest --preset release -C http -L http-full --output-on-failure

test-package: package
	@./setup.sh --root
	@tests/install/subproject_test.sh build/subproject $(JOBS)
	@tests/install/package_test.sh build/package

test-debian13:
	@./setup.sh --root
	@tests/install/debian13_test.sh build/debian13 $(JOBS) $(TEST_JOBS)

demo: build
	@examples/flights/demo.sh build/release/windrow

bench: configure
	@cmake --build --preset release --parallel $(JOBS) --target bench

clean:
	rm -rf build
