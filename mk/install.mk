# SPDX-License-Identifier: MIT
# make install uninstall DESTDIR= PREFIX=
# The command finds the library in PREFIX/lib, beside its own bin/.

INSTALL ?= install
ROOT    := $(DESTDIR)$(PREFIX)
MAN_SRC := $(wildcard doc/*.[157])
MAN_DST := $(foreach page,$(MAN_SRC),share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))
DOC_SRC := $(wildcard contig.conf.example README.md LICENSE doc/design.md)

.PHONY: install uninstall
install: all ## library, command, header, man pages into DESTDIR and PREFIX=/usr/local
	$(INSTALL) -D -m 755 $(BUILD)/libcontig.so $(ROOT)/lib/libcontig.so
	$(INSTALL) -D -m 755 $(BUILD)/contig $(ROOT)/bin/contig
	$(INSTALL) -D -m 644 include/contig.h $(ROOT)/include/contig.h
	$(INSTALL) -D -m 644 include/contig_stats.def $(ROOT)/include/contig_stats.def
	@set -e; for page in $(MAN_SRC); do \
		$(INSTALL) -D -m 644 $$page $(ROOT)/share/man/man$${page##*.}/$${page##*/}; done
	@set -e; for page in $(DOC_SRC); do \
		$(INSTALL) -D -m 644 $$page $(ROOT)/share/doc/contig/$${page##*/}; done

uninstall: ## remove what install put there
	rm -f $(ROOT)/lib/libcontig.so $(ROOT)/bin/contig $(ROOT)/include/contig.h \
		$(ROOT)/include/contig_stats.def $(MAN_DST:%=$(ROOT)/%) \
		$(addprefix $(ROOT)/share/doc/contig/,$(notdir $(DOC_SRC)))
	rmdir $(ROOT)/share/doc/contig 2>/dev/null || true
