# SPDX-License-Identifier: MIT
# What Debian 12 packages each part needs, and how they get here. One list a part:
#   make deps                  everything below
#   make deps FOR="build demo" only these
# No list names a package that starts a daemon: redis-server's program comes with redis-tools,
# and PostgreSQL is installed without its cluster (mk/deps.sh).

DEPS_build := binutils gcc libc6-dev libhugetlbfs-dev libinih-dev libjemalloc-dev make

DEPS_demo := xz-utils

DEPS_test := clang g++ gdb git libclang-rt-14-dev libpython3.11-testsuite llvm man-db perl \
	postgresql-15 procps python3 redis-tools sqlite3 strace stress-ng tmux valgrind \
	xz-utils zstd

DEPS_bench := gnuplot-nox libjemalloc2 libmemkind0 libmimalloc2.0 libtcmalloc-minimal4 python3 \
	valgrind xz-utils zstd

DEPS_lint := clang clang-tidy python3

FOR ?= build demo test bench lint
DEPS_SH := sh mk/deps.sh

.PHONY: deps deps-check
deps: ## install the packages that are missing (as root; else print the command); FOR="build test"
	@$(DEPS_SH) install $(sort $(foreach part,$(FOR),$(DEPS_$(part))))

deps-check: ## name the packages that the build misses, exit 1 if there are any
	@$(DEPS_SH) check $(DEPS_build)

# Nothing is compiled before the check has passed.
$(POLICY_OBJ) $(BACKING_OBJ) $(PRELOAD_OBJ) $(TOOLS_OBJ): | deps-check
