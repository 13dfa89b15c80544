/* SPDX-License-Identifier: MIT */
/*
 * Programs that give up rights do so by prctl(PR_SET_NO_NEW_PRIVS), before seccomp(2) in
 * whatever way it is called, or by prctl(PR_SET_SECCOMP). What the first large request would read
 * from /sys and /proc is read then, as afterwards it may be forbidden, on pain of death.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "aligned.h"
#include "contig.h"
#include "hooks.h"
#include "init.h"
#include "next.h"
#include "place.h"

static void look_before(void)
{
	int saved = errno;

	/* Not for a child of vfork(), whose memory is its parent's. */
	if (init_phase() == INIT_SERVING && contig_stats.pid == (int32_t)syscall(SYS_getpid)) {
		place_sandbox();
		aligned_has_room();
	}
	errno = saved;
}

HOOK int prctl(int option, ...)
{
	unsigned long arg[4];
	va_list ap;

	/* As libc does: all four, whether given or not. */
	va_start(ap, option);
	for (int i = 0; i < 4; i++)
		arg[i] = va_arg(ap, unsigned long);
	va_end(ap);
	if (option == PR_SET_NO_NEW_PRIVS || option == PR_SET_SECCOMP)
		look_before();
	return next.prctl ? next.prctl(option, arg[0], arg[1], arg[2], arg[3]) :
			    (int)syscall(SYS_prctl, option, arg[0], arg[1], arg[2], arg[3]);
}
