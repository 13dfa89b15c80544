/* SPDX-License-Identifier: MIT */
/* contig pool - show, grow and shrink the kernel's pools of huge pages. */
#include "command.h"
#include "policy.h"
#include "cmd_pool.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <hugetlbfs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* One change at a time; root's file, so that nobody else can hold it. */
#define POOL_LOCK	"/run/contig-pool.lock"

#define POOL_TAKES_SIZE	"S"	/* among the letters of options */

struct pool_verb {
	const char *name;
	const char *options;	/* the letters it takes */
	int (*run)(const struct pool_request *req);
};

static int pool_run_reserve(const struct pool_request *req)
{
	return req->contiguous ? pool_contiguous(req) : pool_reserve(req);
}

static const struct pool_verb pool_verbs[] = {
	{ "show", "j", pool_show },
	{ "reserve", POOL_TAKES_SIZE "pncPCd", pool_run_reserve },
	{ "release", POOL_TAKES_SIZE "pnad", pool_release },
	{ "mounts", "jpmd", pool_mounts },
};
#define POOL_VERB_COUNT (sizeof(pool_verbs) / sizeof(pool_verbs[0]))

static int pool_parse_node(const char *text, int *out)
{
	char *end;
	long node;

	errno = 0;
	node = strtol(text, &end, 10);
	if (errno || !isdigit((unsigned char)text[0]) || *end || node >= POOL_NODE_LIMIT)
		return -EINVAL;
	*out = (int)node;
	return 0;
}

static int pool_take_option(struct pool_request *req, int option, const char *value)
{
	switch (option) {
	case 'p':
		if (!policy_parse_size(value, &req->page_bytes) && req->page_bytes)
			return STATUS_DONE;
		command_error("--page: found \"%s\", expected a page size, such as 2M", value);
		return STATUS_MISUSE;
	case 'n':
		if (!pool_parse_node(value, &req->node))
			return STATUS_DONE;
		command_error("--node: found \"%s\", expected a number", value);
		return STATUS_MISUSE;
	case 'c': req->contiguous = true; return STATUS_DONE;
	case 'P': req->persist = true; return STATUS_DONE;
	case 'C': req->compact = true; return STATUS_DONE;
	case 'd': req->dry_run = true; return STATUS_DONE;
	case 'a': req->all = true; return STATUS_DONE;
	case 'm': req->create = true; return STATUS_DONE;
	case 'j': req->json = true; return STATUS_DONE;
	default: return command_misuse(&cmd_pool);
	}
}

static int pool_take_verb(const char *word, const struct pool_verb **out)
{
	for (size_t i = 0; i < POOL_VERB_COUNT; i++) {
		if (!strcmp(pool_verbs[i].name, word)) {
			*out = &pool_verbs[i];
			return STATUS_DONE;
		}
	}
	command_error("pool: found \"%s\", expected show, reserve, release or mounts", word);
	return STATUS_MISUSE;
}

static int pool_take_size(struct pool_request *req, const char *word)
{
	if (policy_parse_size(word, &req->bytes) || !req->bytes) {
		command_error("pool: found \"%s\", expected a size, such as 2G", word);
		return STATUS_MISUSE;
	}
	req->has_size = true;
	return STATUS_DONE;
}

static int pool_parse(int argc, char **argv, const struct pool_verb **verb,
		      struct pool_request *out)
{
	static const struct option options[] = {
		{ "page", required_argument, NULL, 'p' },
		{ "node", required_argument, NULL, 'n' },
		{ "contiguous", no_argument, NULL, 'c' },
		{ "persist", no_argument, NULL, 'P' },
		{ "compact", no_argument, NULL, 'C' },
		{ "dry-run", no_argument, NULL, 'd' },
		{ "all", no_argument, NULL, 'a' },
		{ "create", no_argument, NULL, 'm' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	char given[16] = "";
	int option, status = STATUS_DONE;

	while (!status && (option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (!strchr(given, option) && strlen(given) < sizeof(given) - 1)
			given[strlen(given)] = (char)option;
		status = pool_take_option(out, option, optarg);
	}
	*verb = &pool_verbs[0];
	if (!status && optind < argc)
		status = pool_take_verb(argv[optind++], verb);
	if (!status && optind < argc && strstr((*verb)->options, POOL_TAKES_SIZE))
		status = pool_take_size(out, argv[optind++]);
	if (status)
		return status;
	if (optind < argc || given[strspn(given, (*verb)->options)] ||
	    (strstr((*verb)->options, POOL_TAKES_SIZE) && out->has_size == out->all))
		return command_misuse(&cmd_pool);
	return STATUS_DONE;
}

/* The machine has what was named; the page size, where none was, is the default one. */
static bool pool_check_machine(struct pool_request *req, bool sized)
{
	struct sysinfo_pool pool[SYSINFO_SIZES];
	int node[SYSINFO_NODES];
	unsigned int count = sysinfo_list_nodes(node), i = 0;
	char size[24];

	while (i < count && node[i] != req->node)
		i++;
	if (req->node != POOL_ANY_NODE && i == count) {
		command_error("this machine has no NUMA node %d", req->node);
		return false;
	}
	if (sized && !req->page_bytes && gethugepagesize() > 0)
		req->page_bytes = (uint64_t)gethugepagesize();
	count = sysinfo_list_pools(pool);
	for (i = 0; i < count; i++)
		if (pool[i].page_bytes == req->page_bytes && pool[i].known)
			return true;
	if (!sized && !req->page_bytes)
		return true;
	if (req->page_bytes)
		command_error("this machine has no pool of %s pages (contig pool show)",
			      policy_format_size(req->page_bytes, size));
	else
		command_error("this machine has no huge page pools, or /sys does not show them");
	return false;
}

/* The pools are root's. @argv as it was given, for the command to repeat. */
static bool pool_check_permission(const struct pool_request *req, bool sized, int argc, char **argv)
{
	const struct pool_place place = { .page_bytes = req->page_bytes, .node = req->node };
	char path[POOL_PATH_BYTES];

	if (sized)
		pool_place_format(&place, "nr_hugepages", path);
	if (sized ? !access(path, W_OK) : !geteuid())
		return true;
	if (sized && errno != EACCES) {
		command_error("%s: %s (in a container: change it on the host)", path,
			      strerror(errno));
		return false;
	}
	fflush(stdout);
	fprintf(stderr, "contig: only root may change this: sudo contig");
	for (int i = 0; i < argc; i++)
		fprintf(stderr, " %s", argv[i]);
	fputc('\n', stderr);
	return false;
}

/* Return: the lock's descriptor; -1 where there can be none, and a signal may have come. */
static int pool_lock(void)
{
	int fd = open(POOL_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || !flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	command_error("another contig changes the pools; waiting for it");
	while (flock(fd, LOCK_EX) && errno == EINTR && !pool_signal_caught())
		;
	return fd;
}

static int pool_main(int argc, char **argv)
{
	struct pool_request req = { .node = POOL_ANY_NODE };
	const struct pool_verb *verb;
	bool sized, changes;
	int status, fd = -1;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")))
		return command_help(&cmd_pool);
	status = pool_parse(argc, argv, &verb, &req);
	if (status)
		return status;
	sized = strstr(verb->options, POOL_TAKES_SIZE) != NULL;
	changes = (sized || req.create) && !req.dry_run;
	if (!pool_check_machine(&req, sized))
		return STATUS_FAILED;
	if (changes && !pool_check_permission(&req, sized, argc, argv))
		return STATUS_FAILED;
	if (changes) {
		pool_signal_catch();
		fd = pool_lock();
	}
	status = pool_signal_caught() ? STATUS_FAILED : verb->run(&req);
	if (fd >= 0)
		close(fd);
	pool_signal_end();
	return status;
}

const struct command cmd_pool = {
	.name = "pool",
	.args = "[show | reserve SIZE | release SIZE | release --all | mounts] [OPTION...]",
	.line = "show, grow and shrink the pools of huge pages",
	.options =
		"  show             pools by page size and node, mounts (as without a word)\n"
		"  reserve SIZE     SIZE more of free huge pages\n"
		"  release SIZE     SIZE less; pages in use leave when they become free\n"
		"  release --all    every free page\n"
		"  mounts           where hugetlbfs is mounted\n"
		"\n"
		"  --page SIZE      the page size: 2M, 1G (the machine's default)\n"
		"  --node N         of this NUMA node only\n"
		"  --contiguous     reserve: physically in one piece, from pages of 1G that are\n"
		"                   neighbours, demoted to the page size\n"
		"  --compact        reserve: if pages are missing, drop the caches and compact\n"
		"                   the memory, then try again\n"
		"  --persist        reserve: the same at every boot (" POOL_UNIT ")\n"
		"  --create         mounts: make one for each page size that has none\n"
		"  --dry-run        print what would be written, change nothing\n"
		"  --json           show, mounts: as JSON\n"
		"\n"
		"exit status: 0 done, 1 not or not wholly (fewer pages than asked for, more than\n"
		"one run), 2 used wrongly\n",
	.run = pool_main,
};
