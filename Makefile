# SPDX-License-Identifier: MIT
#
# make            build/libcontig.so and build/contig
# make help       everything else
#
# The layering is stated here: a folder sees only what its -I lets it.
#   include < policy < backing < preload;  tools: include, policy, physmap of backing

CC      ?= gcc
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0

ARCH_TRIPLE := $(shell $(CC) -print-multiarch 2>/dev/null)
WARNINGS := -Wall -Wextra -Wundef -Wshadow -Wvla -Wmissing-prototypes -Wno-unused-parameter -Werror
CFLAGS   ?= -O2 -g
BASE_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DCONTIG_VERSION='"$(VERSION)"' $(WARNINGS) -fno-common -pthread

INC_policy  := -Iinclude -Ipolicy
INC_backing := -Iinclude -Ipolicy -Ibacking
INC_preload := -Iinclude -Ipolicy -Ibacking -Ipreload
INC_tools   := -Iinclude -Ipolicy -Ibacking -Itools

POLICY_SRC  := $(wildcard policy/*.c)
BACKING_SRC := $(wildcard backing/*.c)
PRELOAD_SRC := $(wildcard preload/*.c)
TOOLS_SRC   := $(wildcard tools/*.c)

.DEFAULT_GOAL := all
include mk/build.mk
include mk/deps.mk
include mk/check.mk
include mk/install.mk

.PHONY: all help lint clean
all: $(BUILD)/libcontig.so $(BUILD)/contig

help: ## print this list
	@grep -hE '^[a-z-]+:.*##' Makefile mk/*.mk | sed 's/:.*## */\t/' | expand -t 16

clean: ## remove build/
	rm -rf $(BUILD)
