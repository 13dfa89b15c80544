/* SPDX-License-Identifier: MIT */
/*
 * The rules in force for a process: request in, decision out. Everything here is pure: no
 * system call, no stdio, no malloc, no global that changes. Whoever reads files and the
 * environment hands the text in (policy_read_conf(), policy_read_rules(), policy_read_env()).
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

#define POLICY_RULES		32	/* of file and CONTIG_POLICY; one more is an error */
#define POLICY_LINKS		8	/* in one chain */
#define POLICY_PATTERNS		16	/* in one list of programs */
#define POLICY_NAME_BYTES	32	/* of a rule, a driver region, a pattern; with the NUL */
#define POLICY_TEXT_BYTES	256	/* of a TEXT setting; with the NUL */
#define POLICY_FILE_BYTES	(64 * KIB)	/* longest contig.conf */
#define POLICY_LINE_BYTES	199	/* longest line: libinih would split a longer one */

enum backing_id {
	BACKING_HUGETLB,	/* one page size of the kernel's huge page pools */
	BACKING_DRIVER,		/* /dev/contig */
	BACKING_THP,
	BACKING_MTHP,
	BACKING_BASE,
	BACKING_COUNT
};

/* The function that asked. One bit each in struct rule.calls. */
enum call_id {
	CALL_MALLOC, CALL_CALLOC, CALL_REALLOC, CALL_MEMALIGN, CALL_POSIX_MEMALIGN,
	CALL_ALIGNED_ALLOC, CALL_VALLOC, CALL_PVALLOC, CALL_NEW,
	CALL_MMAP,		/* anonymous private */
	CALL_MMAP_SHARED,	/* anonymous shared */
	CALL_COUNT
};
#define CALLS_MALLOC_FAMILY ((1u << (CALL_NEW + 1)) - 1)

enum heap_id { HEAP_JEMALLOC, HEAP_THP, HEAP_HUGETLB };
enum fork_id { FORK_AUTO, FORK_KERNEL, FORK_SNAPSHOT, FORK_DONTFORK };
enum log_id { LOG_QUIET, LOG_WARN, LOG_INFO };
enum populate_id { POPULATE_AUTO, POPULATE_YES, POPULATE_NO };
enum contiguity_id { CONTIGUITY_ANY, CONTIGUITY_PAGE, CONTIGUITY_WHOLE, CONTIGUITY_SIZE };

#define NODE_ANY	(-1)
#define NODE_LOCAL	(-2)	/* of the CPU that asks */

struct pattern_list {
	unsigned int count;
	char name[POLICY_PATTERNS][POLICY_NAME_BYTES];
};

/* One backing of a chain. */
struct chain_link {
	enum backing_id backing;
	uint64_t page_bytes;	/* hugetlb, mthp: this size only; 0: every size, largest first */
	char region[POLICY_NAME_BYTES];	/* driver: "" = default */
};

struct chain {
	unsigned int count;	/* 0: the heap */
	bool strict;		/* ended in `!`: fail rather than go on */
	struct chain_link link[POLICY_LINKS];
};

struct size_range {		/* both ends belong to it; bytes */
	uint64_t low, high;	/* UINT64_MAX: no upper end */
};

struct contiguity {
	enum contiguity_id kind;
	uint64_t bytes;		/* CONTIGUITY_SIZE only */
};

struct rule {
	char name[POLICY_NAME_BYTES];
	unsigned int line;	/* in the file; of CONTIG_POLICY: its number; 0: built in */
	bool inline_rule;	/* it came with CONTIG_POLICY */
	struct pattern_list exe;	/* none: every program */
	uint32_t calls;		/* 1 << enum call_id */
	bool has_size;		/* false: size.low is settings.threshold, see policy_finish() */
	struct size_range size;
	struct size_range align;
	struct chain chain;
	struct contiguity contiguity;
	int node;		/* NODE_ANY, NODE_LOCAL or a number */
	enum populate_id populate;
	uint64_t limit;		/* bytes; UINT64_MAX: none */
	bool warn;
};

struct settings {
#define SETTING_FIELD_SIZE(name)	uint64_t name;
#define SETTING_FIELD_TIME(name)	uint64_t name;
#define SETTING_FIELD_FLAG(name)	bool name;
#define SETTING_FIELD_LIST(name)	struct pattern_list name;
#define SETTING_FIELD_TEXT(name)	char name[POLICY_TEXT_BYTES];
#define SETTING_FIELD_ENUM_heap(name)	enum heap_id name;
#define SETTING_FIELD_ENUM_fork(name)	enum fork_id name;
#define SETTING_FIELD_ENUM_log(name)	enum log_id name;
#define SETTING(name, kind, def, min, max, help) SETTING_FIELD_##kind(name)
#include "keys.def"
};

struct policy {
	struct settings settings;
	uint64_t smallest;	/* the one compare on malloc's way; policy_finish() sets it */
	uint64_t smallest_mmap;	/* the same for mmap */
	unsigned int count;
	struct rule rule[POLICY_RULES + 2];	/* + the two built-in ones, always last */
};

struct request {
	enum call_id call;
	uint64_t bytes;
	uint64_t align;		/* bytes, a power of two; 1 where none was asked for */
	/* live bytes under each rule, by its index, for `limit`; NULL: all zero */
	const uint64_t *rule_bytes;
};

struct decision {
	const struct chain *chain;	/* never NULL; lives as long as the policy */
	struct contiguity contiguity;
	int node;
	enum populate_id populate;
	bool warn;
	int rule;		/* index into policy.rule; -1: below every rule, the heap */
};

/*
 * What is wrong with a text, one call each. @file and @key may be NULL; @line 0: unknown.
 * Context: inside the reading call; the strings live only during it.
 */
struct policy_error {
	const char *file;	/* "contig.conf", "CONTIG_POLICY", "CONTIG_RETAIN" */
	unsigned int line;
	const char *key;
	const char *text;	/* what was found, cut to a printable, NUL-ended piece */
	const char *expected;	/* what would have been right */
};
typedef void policy_error_fn(const struct policy_error *error, void *arg);

/* policy_init - every setting at its default, the two built-in rules only. */
void policy_init(struct policy *pol);

/**
 * policy_read_conf - read the text of a contig.conf
 * @file: its name, for errors only
 * @text: @bytes bytes, not NUL-ended; at most POLICY_FILE_BYTES are accepted
 *
 * A wrong line is reported and passed over; a rule with a wrong key is dropped whole, since
 * half a rule would match what it was not meant for. The rest stays in force.
 *
 * Return: the number of errors reported.
 */
unsigned int policy_read_conf(struct policy *pol, const char *file, const char *text, size_t bytes,
			      policy_error_fn *report, void *arg);

/**
 * policy_read_rules - read CONTIG_POLICY: rules inline, before those of the file
 * @text: "size=64M..,call=malloc: hugetlb,thp; size=1M..: thp", NUL-ended
 *
 * Grammar: rules separated by `;`, each `key=value,key=value: link,link`. A value that is a
 * list of its own (exe, call) separates with `|`. To be called after policy_read_conf().
 *
 * Return: the number of errors reported; a wrong rule is dropped whole.
 */
unsigned int policy_read_rules(struct policy *pol, const char *text, policy_error_fn *report,
			       void *arg);

/**
 * policy_read_env - take every CONTIG_<SETTING> from an environment
 * @environ: NAME=value strings, NULL-ended
 *
 * CONTIG_CONF, CONTIG_POLICY, CONTIG_DISABLE and CONTIG_PROFILE are the caller's and skipped;
 * any other unknown CONTIG_* name is reported once. To be called after policy_read_conf(): a
 * variable beats the file.
 *
 * Return: the number of errors reported.
 */
unsigned int policy_read_env(struct policy *pol, char *const *environ, policy_error_fn *report,
			     void *arg);

/**
 * policy_finish - drop the rules that are not for @exe, fill in `threshold`, set `smallest`
 * @exe: base name of the program; NULL keeps every rule
 *
 * Context: once, after all reading.
 */
void policy_finish(struct policy *pol, const char *exe);

/**
 * policy_serves - is the program to be served at all (`serve`, `leave`)
 * @exe: base name
 */
bool policy_serves(const struct policy *pol, const char *exe);

/**
 * policy_decide - choose where one allocation should live
 * @pol: the policy in force, finished
 * @req: what the program asked for
 *
 * Pure: the same @pol and @req always give the same answer, so `contig explain` prints exactly
 * what malloc() would do. First matching rule wins; a rule whose `limit` the request would pass
 * does not match.
 *
 * Context: inside malloc(), any phase; takes no lock, does not allocate.
 * Return: never fails; an empty chain means "the heap" (for mmap: as the program asked).
 */
struct decision policy_decide(const struct policy *pol, const struct request *req);

/*
 * policy_parse_size - "64K", "1.5G", "4096", "2MiB", "2MB" (powers of 1024 all of them).
 * Return: 0; -EINVAL no size; -ERANGE beyond 2^63. @out untouched unless 0.
 */
int policy_parse_size(const char *text, uint64_t *out);

/* policy_format_size - "64K", "1.5M", "1280M": always exact, into @out. Return: @out. */
char *policy_format_size(uint64_t bytes, char out[static 24]);

const char *policy_call_name(enum call_id call);		/* "posix_memalign" */
int policy_call_parse(const char *text, enum call_id *out);	/* 0 or -EINVAL */
const char *policy_backing_name(enum backing_id backing);	/* "hugetlb" */
/* policy_format_link - "hugetlb-2M", "driver:rdma", "thp". Return: @out. */
char *policy_format_link(const struct chain_link *link, char out[static 64]);

/* One row of the settings or of the rule keys, for the example file and for help. */
struct policy_key {
	const char *name;
	const char *help;
	const char *values;	/* "size", "time", "jemalloc | thp | hugetlb", "yes | no" ... */
	char preset[32];	/* the default as one would write it */
};
unsigned int policy_setting_count(void);
struct policy_key policy_setting(unsigned int index);
unsigned int policy_rule_key_count(void);
struct policy_key policy_rule_key(unsigned int index);
/* policy_setting_value - the value in force, as one would write it. Return: @out. */
char *policy_setting_value(const struct settings *set, unsigned int index,
			   char out[static POLICY_TEXT_BYTES]);

#endif
