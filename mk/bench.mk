# SPDX-License-Identifier: MIT
# The programs that bench/run.sh runs: one a question, each of its own file and bench/bench.c.

BENCH_SRC := $(filter-out bench/bench.c %_pin.c,$(wildcard bench/*.c))
BENCH_BIN := $(BENCH_SRC:bench/%.c=$(BUILD)/bench/bin/%)

.PHONY: bench-programs
bench-programs: $(BENCH_BIN)

# No builtin malloc: the compiler may otherwise drop a pair whose memory it sees unused.
$(BUILD)/bench/bin/fragment: bench/fragment_pin.c bench/fragment_pin.h

$(BUILD)/bench/bin/%: bench/%.c bench/bench.c bench/bench.h
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) -fno-builtin-malloc -fno-builtin-free -Iinclude -Ibench \
		$(filter %.c,$^) -o $@
