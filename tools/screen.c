/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* xterm's, known to every terminal that can address its cursor (ctlseqs). */
#define ALTERNATE_ON	"\033[?1049h\033[?25l"
#define ALTERNATE_OFF	"\033[?25h\033[?1049l"
#define HOME		"\033[H"
#define CLEAR_LINE	"\033[K"
#define CLEAR_BELOW	"\033[J"

static struct {
	bool open, keys;	/* keys: standard input is the terminal */
	int signals;		/* signalfd */
	sigset_t mask;		/* before */
	struct termios modes;	/* before; of standard input */
} screen;

bool screen_possible(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

static void screen_enter(void)
{
	struct termios modes = screen.modes;

	if (screen.keys) {
		modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
	}
	fputs(ALTERNATE_ON, stdout);
	fflush(stdout);
}

static void screen_leave(void)
{
	fputs(ALTERNATE_OFF, stdout);
	fflush(stdout);
	if (screen.keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &screen.modes);
}

int screen_open(void)
{
	static const int wanted[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		sigaddset(&set, wanted[i]);
	screen.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (screen.signals < 0)
		return -errno;
	sigprocmask(SIG_BLOCK, &set, &screen.mask);
	screen.keys = isatty(STDIN_FILENO) && !tcgetattr(STDIN_FILENO, &screen.modes);
	screen.open = true;
	screen_enter();
	return 0;
}

void screen_close(void)
{
	if (!screen.open)
		return;
	screen.open = false;
	screen_leave();
	close(screen.signals);
	sigprocmask(SIG_SETMASK, &screen.mask, NULL);
}

void screen_draw(const char *text)
{
	struct winsize size = { 0 };
	size_t rows, columns;

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	rows = size.ws_row ? size.ws_row : 24;
	columns = size.ws_col ? size.ws_col : 80;
	fputs(HOME, stdout);
	/* No newline in the last row: it would scroll. */
	for (size_t row = 0; row < rows && *text; row++) {
		size_t length = strcspn(text, "\n");

		printf("%s%.*s" CLEAR_LINE, row ? "\n" : "",
		       (int)(length < columns ? length : columns), text);
		text += length;
		text += *text == '\n';
	}
	fputs(CLEAR_BELOW, stdout);
	fflush(stdout);
}

/* Stops here, unless nobody could let us go on (an orphaned process group). */
static void screen_stop(void)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	screen_leave();
	raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stop, NULL);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	screen_enter();
}

/* Return: false: nothing to be told. */
static bool screen_take_signal(enum screen_event *event, int *signal)
{
	struct signalfd_siginfo info;

	if (read(screen.signals, &info, sizeof(info)) != sizeof(info))
		return false;
	*event = SCREEN_RESIZE;
	if (info.ssi_signo == SIGTSTP) {
		screen_stop();
	} else if (info.ssi_signo != SIGWINCH) {
		*event = SCREEN_SIGNAL;
		*signal = (int)info.ssi_signo;
	}
	return true;
}

/* A terminal that is gone has no more keys. */
static bool screen_take_key(void)
{
	char key;
	ssize_t got = read(STDIN_FILENO, &key, 1);

	if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
		screen.keys = false;
	return got == 1 && (key == 'q' || key == 'Q');
}

static int screen_milliseconds(unsigned long long until_ns)
{
	struct timespec now;
	unsigned long long ns, left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	ns = (unsigned long long)now.tv_sec * 1000000000u + (unsigned long long)now.tv_nsec;
	left = until_ns > ns ? (until_ns - ns + 999999) / 1000000 : 0;
	return left > 1000 * 1000 ? 1000 * 1000 : (int)left;
}

enum screen_event screen_wait(unsigned long long until_ns, int *signal)
{
	enum screen_event event;
	int left;

	while ((left = screen_milliseconds(until_ns)) > 0) {
		struct pollfd fds[] = {
			{ .fd = screen.signals, .events = POLLIN },
			{ .fd = screen.keys ? STDIN_FILENO : -1, .events = POLLIN },
		};

		if (poll(fds, 2, left) <= 0)
			continue;
		if (fds[0].revents && screen_take_signal(&event, signal))
			return event;
		if (fds[1].revents && screen_take_key())
			return SCREEN_QUIT;
	}
	return SCREEN_TIME;
}
