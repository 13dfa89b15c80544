/* SPDX-License-Identifier: MIT */
/*
 * The same reservation at every boot: a line of a systemd unit, or, where systemd does not run,
 * the kernel's parameters in print. A later call for the same pool takes the line's place.
 */
#include "command.h"
#include "policy.h"
#include "cmd_pool.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define POOL_UNIT_DIR	"/etc/systemd/system"
#define POOL_WANTS_DIR	POOL_UNIT_DIR "/sysinit.target.wants"
#define POOL_UNIT_BYTES	16384
#define POOL_EXEC	"ExecStart="

static const char pool_persist_head[] =
	"# Written by `contig pool reserve --persist`; one line a pool.\n"
	"[Unit]\n"
	"Description=Reserve huge pages\n"
	"DefaultDependencies=no\n"
	"After=local-fs.target\n"
	"Before=sysinit.target shutdown.target\n"
	"Conflicts=shutdown.target\n"
	"\n"
	"[Service]\n"
	"Type=oneshot\n"
	"RemainAfterExit=yes\n";

static const char pool_persist_tail[] =
	"\n"
	"[Install]\n"
	"WantedBy=sysinit.target\n";

/* What of a line's command says for which pool it is: "--page 2M --node 0 --contiguous". */
static void pool_persist_format_pool(const struct pool_request *req, char out[static 96])
{
	char page[24], node[32] = "";

	if (req->node != POOL_ANY_NODE)
		snprintf(node, sizeof(node), " --node %d", req->node);
	snprintf(out, 96, " --page %s%s%s%s\n", policy_format_size(req->page_bytes, page), node,
		 req->contiguous ? " --contiguous" : "", req->compact ? " --compact" : "");
}

static int pool_persist_format_line(const struct pool_request *req, char *out, size_t out_bytes)
{
	char self[PATH_MAX], pool[96], size[24];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int written;

	if (length < 0)
		return -errno;
	self[length] = '\0';
	pool_persist_format_pool(req, pool);
	written = snprintf(out, out_bytes, POOL_EXEC "%s pool reserve %s%s", self,
			   policy_format_size(req->bytes, size), pool);
	/* A unit would take these for something else than themselves. */
	if (strpbrk(self, " \t\n\"'\\%$;") || written >= (int)out_bytes)
		return -EINVAL;
	return 0;
}

/* Is @line for the same pool: its end, from --page on, but for --compact. */
static bool pool_persist_is_same(const char *line, size_t bytes, const struct pool_request *req)
{
	struct pool_request other = *req;
	char pool[96];

	for (int compact = 0; compact < 2; compact++) {
		size_t length;

		other.compact = compact;
		pool_persist_format_pool(&other, pool);
		length = strlen(pool);
		if (bytes >= length && !memcmp(line + bytes - length, pool, length))
			return true;
	}
	return false;
}

/* The unit's text: our lines of the old one but for the same pool, and @line. */
static int pool_persist_compose(const char *old, const char *line, const struct pool_request *req,
				char out[static POOL_UNIT_BYTES])
{
	size_t used = (size_t)snprintf(out, POOL_UNIT_BYTES, "%s", pool_persist_head);
	const char *end;

	for (const char *at = old; *at; at = end + 1) {
		size_t bytes;

		end = strchr(at, '\n');
		if (!end)
			break;
		bytes = (size_t)(end + 1 - at);
		if (strncmp(at, POOL_EXEC, strlen(POOL_EXEC)) ||
		    pool_persist_is_same(at, bytes, req))
			continue;
		if (used + bytes >= POOL_UNIT_BYTES)
			return -EFBIG;
		memcpy(out + used, at, bytes);
		used += bytes;
	}
	if (used + strlen(line) + sizeof(pool_persist_tail) > POOL_UNIT_BYTES)
		return -EFBIG;
	snprintf(out + used, POOL_UNIT_BYTES - used, "%s%s", line, pool_persist_tail);
	return 0;
}

static int pool_persist_make_dirs(const char *path)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s", path);
	for (char *at = strchr(part + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return 0;
}

/* By a file beside it and rename: there is the old unit or the new one, never a part. */
static int pool_persist_write(const char *path, const char *text)
{
	char fresh[PATH_MAX];
	int ret = pool_persist_make_dirs(path);
	FILE *out;

	if (ret)
		return ret;
	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	out = fopen(fresh, "we");
	if (!out)
		return -errno;
	if (fputs(text, out) < 0)
		ret = -EIO;
	if ((fclose(out) || ret) && !ret)
		ret = -errno;
	if (!ret && rename(fresh, path))
		ret = -errno;
	if (ret)
		unlink(fresh);
	return ret;
}

static int pool_persist_enable(const char *root)
{
	char path[PATH_MAX];
	int ret;

	if (snprintf(path, sizeof(path), "%s" POOL_WANTS_DIR "/" POOL_UNIT, root) >=
	    (int)sizeof(path))
		return -ENAMETOOLONG;
	ret = pool_persist_make_dirs(path);
	if (!ret && symlink("../" POOL_UNIT, path) && errno != EEXIST)
		ret = -errno;
	return ret;
}

static int pool_persist_unit(const struct pool_request *req, const char *root)
{
	char path[PATH_MAX], line[PATH_MAX + 160], old[POOL_UNIT_BYTES], text[POOL_UNIT_BYTES];
	int ret = pool_persist_format_line(req, line, sizeof(line));

	if (snprintf(path, sizeof(path), "%s" POOL_UNIT_DIR "/" POOL_UNIT, root) >=
	    (int)sizeof(path))
		ret = -ENAMETOOLONG;
	if (!ret) {
		ret = sysinfo_read(path, old, sizeof(old) - 1);
		ret = ret == -ENOENT ? 0 : ret;
		strcat(old, "\n");
	}
	if (!ret)
		ret = pool_persist_compose(old, line, req, text);
	if (!ret && req->dry_run) {
		printf("%s, %s%s would be:\n%s", path, root, POOL_WANTS_DIR, text);
		return STATUS_DONE;
	}
	if (!ret)
		ret = pool_persist_write(path, text);
	if (!ret)
		ret = pool_persist_enable(root);
	if (ret) {
		command_error("%s: %s", path, strerror(-ret));
		return STATUS_FAILED;
	}
	printf("at every boot: %s (systemctl disable " POOL_UNIT " ends that)\n", path);
	return STATUS_DONE;
}

static void pool_persist_print_parameters(const struct pool_request *req)
{
	uint64_t page_bytes = req->contiguous ? GIB : req->page_bytes;
	uint64_t pages = pool_count_pages(req->bytes, page_bytes);
	char size[24], node[16] = "";

	if (req->node != POOL_ANY_NODE)
		snprintf(node, sizeof(node), "%d:", req->node);
	printf("kernel parameters for the same: hugepagesz=%s hugepages=%s%" PRIu64 "\n",
	       policy_format_size(page_bytes, size), node, pages);
	if (page_bytes != req->page_bytes)
		printf("and after the boot: echo %" PRIu64 " > " SYSINFO_HUGEPAGES
		       "/hugepages-1048576kB/demote\n", pages);
}

int pool_persist(const struct pool_request *req)
{
	const char *root = getenv("DESTDIR");
	bool systemd = (root && root[0]) || !access("/run/systemd/system", F_OK);

	if (!systemd || req->page_bytes == GIB || req->contiguous)
		pool_persist_print_parameters(req);
	if (systemd)
		return pool_persist_unit(req, root ? root : "");
	printf("(systemd does not run here; nothing was written)\n");
	return STATUS_DONE;
}
