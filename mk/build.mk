# SPDX-License-Identifier: MIT
# How the library and the command are put together.

POLICY_OBJ  := $(POLICY_SRC:%.c=$(BUILD)/obj/%.o)
BACKING_OBJ := $(BACKING_SRC:%.c=$(BUILD)/obj/%.o)
PRELOAD_OBJ := $(PRELOAD_SRC:%.c=$(BUILD)/obj/%.o)
TOOLS_OBJ   := $(TOOLS_SRC:%.c=$(BUILD)/obj/%.o)

# The library is position independent, hides what it does not export, keeps its thread-local
# words in the static block (the default TLS model may call malloc on first touch), and may not
# let the compiler turn its own calloc into a call of calloc.
LIB_CFLAGS := -fPIC -fvisibility=hidden -ftls-model=initial-exec -fno-builtin-malloc \
	-fno-builtin-calloc -fno-builtin-realloc -fno-builtin-free -fno-plt

$(BUILD)/obj/policy/%.o: policy/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(LIB_CFLAGS) $(INC_policy) -MMD -MP -c $< -o $@

$(BUILD)/obj/backing/%.o: backing/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(LIB_CFLAGS) $(INC_backing) -MMD -MP -c $< -o $@

$(BUILD)/obj/preload/%.o: preload/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(LIB_CFLAGS) $(INC_preload) -MMD -MP -c $< -o $@

$(BUILD)/obj/tools/%.o: tools/%.c
	@mkdir -p $(@D)
	$(CC) $(BASE_CFLAGS) $(CFLAGS) $(INC_tools) -MMD -MP -c $< -o $@

# jemalloc, from Debian's libjemalloc_pic.a: without its C++ part, its public names changed
# (preload/heap.syms), its system calls turned to ours in the same step. Before it is put together,
# two of its calls of itself are turned to heap_fork.c, which adds what its fork handlers leave out,
# and one to heap.c, which learns from it that time passes.
JEMALLOC_PIC ?= $(firstword $(wildcard /usr/lib/$(ARCH_TRIPLE)/libjemalloc_pic.a /usr/lib/libjemalloc_pic.a))
$(BUILD)/obj/jemalloc.o: $(JEMALLOC_PIC) preload/heap.syms mk/build.mk | deps-check
	@mkdir -p $(BUILD)/obj/jemalloc && rm -f $(BUILD)/obj/jemalloc/*
	cd $(BUILD)/obj/jemalloc && $(AR) x $(JEMALLOC_PIC) && rm -f jemalloc_cpp.*
	objcopy --redefine-sym je_malloc_mutex_init=heap_fork_rtree_lock \
		$(BUILD)/obj/jemalloc/rtree.pic.o
	objcopy --redefine-sym je_arena_prefork6=heap_fork_prefork6 \
		--redefine-sym je_te_event_trigger=heap_event $(BUILD)/obj/jemalloc/jemalloc.pic.o
	$(LD) -r -o $@.tmp $(BUILD)/obj/jemalloc/*.o
	objcopy --redefine-syms=preload/heap.syms $@.tmp $@ && rm -f $@.tmp

# libinih calls malloc and stdio; policy/ gives it neither (policy/ini.syms).
INIH ?= $(firstword $(wildcard /usr/lib/$(ARCH_TRIPLE)/libinih.a /usr/lib/libinih.a))
$(BUILD)/obj/inih.o: $(INIH) policy/ini.syms | deps-check
	@mkdir -p $(BUILD)/obj/inih && rm -f $(BUILD)/obj/inih/*
	cd $(BUILD)/obj/inih && $(AR) x $(INIH)
	$(LD) -r -o $@.tmp $(BUILD)/obj/inih/*.o
	objcopy --redefine-syms=policy/ini.syms $@.tmp $@ && rm -f $@.tmp

$(BUILD)/libcontig.so: $(POLICY_OBJ) $(BACKING_OBJ) $(PRELOAD_OBJ) $(BUILD)/obj/jemalloc.o \
		$(BUILD)/obj/inih.o preload/exports.map
	$(CC) $(CFLAGS) -shared -o $@ $(filter %.o,$^) -Wl,--version-script=preload/exports.map \
		-Wl,-soname,libcontig.so -Wl,-Bsymbolic -Wl,-z,nodlopen -Wl,-z,now -Wl,-z,relro -Wl,-z,defs \
		-Wl,--gc-sections -static-libgcc

$(BUILD)/contig: $(TOOLS_OBJ) $(POLICY_OBJ) $(BUILD)/obj/backing/physmap.o \
		$(BUILD)/obj/backing/buddy.o $(BUILD)/obj/backing/pagescan.o $(BUILD)/obj/inih.o
	$(CC) $(CFLAGS) -o $@ $^ -lhugetlbfs

-include $(POLICY_OBJ:.o=.d) $(BACKING_OBJ:.o=.d) $(PRELOAD_OBJ:.o=.d) $(TOOLS_OBJ:.o=.d)
