# SPDX-License-Identifier: MIT
# Everything that tests, measures or shows.

TESTS := $(BUILD)/tests
FUZZ_SECONDS ?= 60

UNIT_NAMES    := $(patsubst tests/unit/%.c,%,$(filter-out %_gen.c,$(wildcard tests/unit/*.c)))
GEN_NAMES     := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*_gen.c))
THREAD_NAMES  := $(foreach name,$(UNIT_NAMES),$(if $(findstring threads,$(name)),$(name)))
PLUGIN_NAMES  := $(patsubst tests/preload/%,%,$(basename $(wildcard tests/preload/*_plugin.c \
	tests/preload/*_plugin.cc)))
PRELOAD_NAMES := $(filter-out $(PLUGIN_NAMES),$(patsubst tests/preload/%,%,$(basename \
	$(wildcard tests/preload/*.c tests/preload/*.cc))))
FUZZ_NAMES    := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

# Backing is tested on a fake of sys.c.
FAKE_SRC      := $(wildcard tests/fake/*.c)
UNIT_SRC      := $(POLICY_SRC) $(filter-out backing/sys.c,$(BACKING_SRC)) $(FAKE_SRC) \
	tools/pool_runs.c
UNIT_INC      := $(INC_backing) -Itools -Itests -Itests/fake
PRELOAD_FLAGS := -Iinclude -Itests -O2 -g -pthread -fno-builtin

UNIT_PROGRAMS := $(UNIT_NAMES:%=$(TESTS)/unit/%) $(GEN_NAMES:%=$(TESTS)/gen/%) \
	$(UNIT_NAMES:%=$(TESTS)/unit-asan/%) $(THREAD_NAMES:%=$(TESTS)/unit-tsan/%)
PRELOAD_PROGRAMS := $(PRELOAD_NAMES:%=$(TESTS)/preload/%) $(PLUGIN_NAMES:%=$(TESTS)/preload/%.so)
FUZZ_PROGRAMS := $(FUZZ_NAMES:%=$(TESTS)/fuzz/%)

.PHONY: check check-long check-build fuzz demo bench lint lint-clang compdb

check: ## install what is missing, build, run every test (at most 25 minutes); STRICT=1: no skips
	@$(MAKE) --no-print-directory deps FOR="build test"
	@$(MAKE) --no-print-directory check-build
	@BUILD=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) bash tests/run.sh

check-long: ## the same, with the long form of each test and ten minutes of fuzzing
	@$(MAKE) --no-print-directory deps FOR="build test"
	@$(MAKE) --no-print-directory check-build
	@BUILD=$(BUILD) FUZZ_SECONDS=600 bash tests/run.sh --long

check-build: all unit-programs preload-programs fuzz-programs lint-clang ## what the tests need

.PHONY: unit-programs preload-programs fuzz-programs
unit-programs: $(UNIT_PROGRAMS)
preload-programs: $(PRELOAD_PROGRAMS)
fuzz-programs: $(FUZZ_PROGRAMS)

fuzz: ## run the fuzzers for FUZZ_SECONDS=60, shared among them
	@$(MAKE) --no-print-directory deps FOR="build test"
	@$(MAKE) --no-print-directory fuzz-programs
	@BUILD=$(BUILD) FUZZ_SECONDS=$(FUZZ_SECONDS) bash tests/run.sh fuzz

demo: ## see a program run on huge pages: install what is missing, build, compare, report
	@$(MAKE) --no-print-directory deps FOR="build demo"
	@$(MAKE) --no-print-directory all $(BUILD)/demo_churn
	@BUILD=$(BUILD) bash tests/demo.sh

bench: ## measure against other allocators; results and figures in build/bench/
	@$(MAKE) --no-print-directory deps FOR="build bench"
	@$(MAKE) --no-print-directory all
	@BUILD=$(BUILD) bash bench/run.sh $(BENCH)

lint-clang: | deps-check ## the library and the command by clang, every warning an error
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/clang CC=clang all

lint: ## gcc and clang with every warning an error; clang-tidy if it is there
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/lint-gcc CC=gcc all
	@$(MAKE) --no-print-directory lint-clang
	@command -v clang-tidy >/dev/null || { echo "lint: no clang-tidy here, left out"; exit 0; }; \
	$(MAKE) --no-print-directory lint-tidy

.PHONY: lint-tidy
lint-tidy: compdb
	clang-tidy -quiet -p $(BUILD) $(POLICY_SRC) $(BACKING_SRC) $(PRELOAD_SRC) $(TOOLS_SRC)

compdb: ## build/compile_commands.json for editors and clang-tidy
	@mkdir -p $(BUILD)
	@$(MAKE) --no-print-directory --always-make --dry-run all | \
		python3 mk/compdb.py "$(CURDIR)" >$(BUILD)/compile_commands.json

$(BUILD)/demo_churn: tests/demo_churn.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) -O2 $< -o $@

# Unit tests: once plain, linked with the objects of the library; once more from the sources
# with the sanitizers.
$(BUILD)/obj/tests/%.o: tests/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(UNIT_INC) -MMD -MP -c $< -o $@

$(TESTS)/unit/policy_%: $(BUILD)/obj/tests/unit/policy_%.o $(POLICY_OBJ) $(BUILD)/obj/inih.o
	@mkdir -p $(@D)
	$(CC) -pthread $^ -o $@

$(TESTS)/gen/%: $(BUILD)/obj/tests/unit/%.o $(POLICY_OBJ) $(BUILD)/obj/inih.o
	@mkdir -p $(@D)
	$(CC) -pthread $^ -o $@

$(TESTS)/unit/%: $(BUILD)/obj/tests/unit/%.o $(UNIT_SRC:%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/inih.o
	@mkdir -p $(@D)
	$(CC) -pthread $^ -o $@

SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_tsan := -fsanitize=thread

define sanitizer_rules
$(BUILD)/$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(CC) $$(BASE_CFLAGS) -O1 -g $$(SAN_$(1)) $$(UNIT_INC) -MMD -MP -c $$< -o $$@

$(TESTS)/unit-$(1)/policy_%: $(BUILD)/$(1)/tests/unit/policy_%.o \
		$(POLICY_SRC:%.c=$(BUILD)/$(1)/%.o) $(BUILD)/obj/inih.o
	@mkdir -p $$(@D)
	$$(CC) -pthread $$(SAN_$(1)) $$^ -o $$@

$(TESTS)/unit-$(1)/%: $(BUILD)/$(1)/tests/unit/%.o $(UNIT_SRC:%.c=$(BUILD)/$(1)/%.o) \
		$(BUILD)/obj/inih.o
	@mkdir -p $$(@D)
	$$(CC) -pthread $$(SAN_$(1)) $$^ -o $$@
endef
$(eval $(call sanitizer_rules,asan))
$(eval $(call sanitizer_rules,tsan))

# Programs that run under the library: nothing of the house is linked into them, and the
# compiler may not optimize an allocation away.
$(TESTS)/preload/%: tests/preload/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(PRELOAD_FLAGS) -MMD -MP -MF $@.d $< -o $@ -ldl

CXX_FLAGS := -std=gnu++17 -D_GNU_SOURCE -Wall -Wextra -Wundef -Wshadow -Wvla \
	-Wno-unused-parameter -Werror -fno-allocation-dce
$(TESTS)/preload/%: tests/preload/%.cc
	@mkdir -p $(@D)
	$(CXX) $(CXX_FLAGS) $(PRELOAD_FLAGS) -MMD -MP -MF $@.d $< -o $@ -ldl

$(TESTS)/preload/%_plugin.so: tests/preload/%_plugin.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(PRELOAD_FLAGS) -fPIC -shared $< -o $@

$(TESTS)/preload/%_plugin.so: tests/preload/%_plugin.cc
	@mkdir -p $(@D)
	$(CXX) $(CXX_FLAGS) $(PRELOAD_FLAGS) -fPIC -shared $< -o $@

# Parsers of the command's own are compiled in beside.
$(TESTS)/fuzz/fuzz_smaps: tools/smaps.c tools/smaps.h

$(TESTS)/fuzz/%: tests/fuzz/%.c $(POLICY_SRC) $(wildcard policy/*.h policy/*.def) \
		$(BUILD)/obj/inih.o
	@mkdir -p $(@D)
	clang $(BASE_CFLAGS) -Wno-missing-prototypes -O1 -g \
		-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		$(INC_tools) -Itests $(filter %.c %.o,$^) -o $@

# Kept, or make would take the objects for intermediate files and remove them.
.SECONDARY:

-include $(wildcard $(BUILD)/obj/tests/*/*.d $(BUILD)/asan/*/*.d $(BUILD)/tsan/*/*.d \
	$(BUILD)/asan/tests/*/*.d $(BUILD)/tsan/tests/*/*.d $(TESTS)/preload/*.d)
