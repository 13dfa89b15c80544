/* SPDX-License-Identifier: MIT */
/*
 * A wrong free in the zone aborts and says which; one of memory that was never ours is ignored,
 * said once, and the program goes on. Each case runs in a process of its own.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"
#include "pattern.h"
#include "served.h"

static char not_ours[64];

static void free_twice(void)
{
	char *p = served_hide(malloc(4 * MIB)), *q = served_hide(p);

	free(p);
	free(q);
}

static void free_twice_after_reuse_of_a_part(void)
{
	char *p = served_hide(malloc(4 * MIB)), *q = served_hide(p);

	free(p + 0);
	served_hide(malloc(1 * MIB));
	free(q + 3 * MIB);
}

static void free_inside(void)
{
	char *p = served_hide(malloc(4 * MIB));

	free(served_hide(p + MIB));
}

static void free_a_little_inside(void)
{
	char *p = served_hide(malloc(4 * MIB));

	free(served_hide(p + 16));
}

static void realloc_freed(void)
{
	char *p = served_hide(malloc(4 * MIB)), *q = served_hide(p);

	free(p);
	served_hide(realloc(q, 5 * MIB));
}

static void realloc_inside(void)
{
	char *p = served_hide(malloc(4 * MIB));

	served_hide(realloc(served_hide(p + MIB), 5 * MIB));
}

static void free_what_is_not_ours(void)
{
	char on_stack[64] = "stack";
	char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *kept = malloc(2 * MIB);

	pattern_write(kept, 2 * MIB, 7);
	memset(mapped, 5, 4096);
	for (int i = 0; i < 3; i++) {
		free(served_hide(not_ours));
		free(served_hide(not_ours + 8));
		free(served_hide(on_stack));
		free(served_hide(mapped));
		if (realloc(served_hide(not_ours), 100))
			_exit(3);
	}
	if (strcmp(on_stack, "stack") || mapped[4095] != 5)
		_exit(4);
	if (served_stats->foreign_frees != 15 || !pattern_holds(kept, 2 * MIB, 7))
		_exit(5);
	free(kept);
	free(malloc(100));
	_exit(0);
}

static const struct wrong {
	const char *name;
	void (*act)(void);
	bool aborts;
	const char *said;	/* in the one line */
} wrongs[] = {
	{ "twice", free_twice, true, ": already freed" },
	{ "part", free_twice_after_reuse_of_a_part, true, ": already freed" },
	{ "inside", free_inside, true, ": points into the middle" },
	{ "little", free_a_little_inside, true, ": points into the middle" },
	{ "realloc", realloc_freed, true, "realloc of 0x" },
	{ "realloc-inside", realloc_inside, true, ": points into the middle" },
	{ "foreign", free_what_is_not_ours, false, "not memory of this allocator" },
};

/* Runs this program with one wrong in a process of its own. Return: its wait status. */
static int run(const char *name, char *said, size_t room)
{
	size_t length = 0;
	int ends[2], status;
	ssize_t got;
	pid_t pid;

	if (pipe(ends))
		return -1;
	pid = fork();
	if (!pid) {
		dup2(ends[1], 2);
		execl("/proc/self/exe", "wrong_free", name, NULL);
		_exit(127);
	}
	close(ends[1]);
	while (length < room - 1 && (got = read(ends[0], said + length, room - 1 - length)) > 0)
		length += (size_t)got;
	said[length] = '\0';
	close(ends[0]);
	waitpid(pid, &status, 0);
	return status;
}

static unsigned int count_lines(const char *text)
{
	unsigned int lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static int commit(const char *name)
{
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++)
		if (!strcmp(wrongs[i].name, name))
			wrongs[i].act();
	return 99;	/* a wrong that nobody stopped */
}

int main(int argc, char **argv)
{
	char said[4096];

	if (argc > 1) {
		served_find();
		return commit(argv[1]);
	}
	served_prove();
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(*wrongs); i++) {
		int status = run(wrongs[i].name, said, sizeof(said));
		bool right = wrongs[i].aborts ?
			     WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT :
			     WIFEXITED(status) && !WEXITSTATUS(status);

		if (!CHECK(right && count_lines(said) == 1 && strstr(said, wrongs[i].said)))
			fprintf(stderr, "%s: status %#x, said: %s\n", wrongs[i].name,
				(unsigned int)status, said);
	}
	return check_result();
}
