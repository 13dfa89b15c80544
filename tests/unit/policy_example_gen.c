/* SPDX-License-Identifier: MIT */
/* Prints contig.conf.example, from the tables that the parser works with. */
#include "policy.h"

#include <stdio.h>
#include <string.h>

#define EXAMPLE_WIDTH 88

/* A comment of any length, in lines, each behind @margin. */
static void example_print_comment(const char *margin, const char *text)
{
	while (*text) {
		size_t bytes = strlen(text);

		if (bytes > EXAMPLE_WIDTH) {
			bytes = EXAMPLE_WIDTH;
			while (bytes > 1 && text[bytes] != ' ')
				bytes--;
		}
		printf("#%s%.*s\n", margin, (int)bytes, text);
		text += bytes;
		text += strspn(text, " ");
	}
}

static void example_print_settings(void)
{
	printf("[process]\n");
	for (unsigned int i = 0; i < policy_setting_count(); i++) {
		struct policy_key key = policy_setting(i);

		printf("\n");
		example_print_comment(" ", key.help);
		printf("# (%s)\n%s =%s%s\n", key.values, key.name, key.preset[0] ? " " : "",
		       key.preset);
	}
}

static void example_print_rule_keys(void)
{
	for (unsigned int i = 0; i < policy_rule_key_count(); i++) {
		struct policy_key key = policy_rule_key(i);

		printf("# %s = %s%s%s%s\n", key.name, key.values, key.preset[0] ? " (" : "",
		       key.preset, key.preset[0] ? " unless given)" : "");
		example_print_comment("\t", key.help);
	}
}

static const char example_head[] =
	"# SPDX-License-Identifier: MIT\n"
	"# contig.conf: which allocations get which memory. Every setting is at its default.\n"
	"#\n"
	"# Read from $CONTIG_CONF, else $XDG_CONFIG_HOME/contig.conf, else /etc/contig.conf.\n"
	"# CONTIG_THRESHOLD, CONTIG_RETAIN ... in the environment beat [process]; CONTIG_POLICY\n"
	"# holds rules that come before those here. `contig check FILE` names every mistake,\n"
	"# `contig explain --size 64M --call malloc` the rule that decides.\n"
	"#\n"
	"# Sizes: 4096, 64K, 1.5G (powers of 1024). Times: 500ms, 10s, 1m, 0. Names: * and ?\n"
	"# as in a shell. A comment is a line that begins with # or ;, or what follows ` ;`.\n"
	"\n";

static const char example_rules[] =
	"#\n"
	"# For RDMA programs: buffers in one physical run, on the caller's node, or none at all.\n"
	"#[rule rdma-big]\n"
	"#exe        = ib_*, ucx_*\n"
	"#call       = memalign, posix_memalign\n"
	"#size       = 64K..1G\n"
	"#chain      = hugetlb-2M, thp!\n"
	"#contiguity = whole        ; without CAP_SYS_ADMIN: by one huge page or the driver\n"
	"#node       = local\n"
	"#limit      = 4G           ; of each process; beyond it, the next rule\n"
	"\n"
	"# PostgreSQL: shared_buffers is one large shared mapping; no other is touched.\n"
	"#[rule shared-buffers]\n"
	"#exe        = postgres\n"
	"#call       = mmap-shared\n"
	"#size       = 64M..\n"
	"#chain      = hugetlb, thp\n"
	"#warn       = yes          ; the pool may be too small: say so\n"
	"\n"
	"# Leave the huge pages to one program: it may take them, every other gets THP.\n"
	"#[rule the-one]\n"
	"#exe        = redis-server\n"
	"#chain      = hugetlb, thp, base\n"
	"#[rule the-others]\n"
	"#chain      = thp, mthp, base\n"
	"\n"
	"# A sparse program: reserve huge pages, but take each when it is touched.\n"
	"#[rule sparse]\n"
	"#exe        = sparse-*\n"
	"#size       = 1G..\n"
	"#chain      = hugetlb, thp, base\n"
	"#populate   = no\n";

int main(void)
{
	fputs(example_head, stdout);
	example_print_settings();
	printf("\n# Rules: the first one that matches decides. At most %d, each with a chain.\n#\n",
	       POLICY_RULES);
	example_print_rule_keys();
	fputs(example_rules, stdout);
	return ferror(stdout) || fflush(stdout);
}
