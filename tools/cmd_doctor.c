/* SPDX-License-Identifier: MIT */
/* contig doctor - what this machine has for contiguous memory, and how to mend what it lacks. */
#include "command.h"
#include "doctor.h"

#include <getopt.h>

static void (*const doctor_checks[])(struct findings *) = {
	doctor_check_kernel, doctor_check_library, doctor_check_source, doctor_check_pools,
	doctor_check_cgroups, doctor_check_thp, doctor_check_fragmentation, doctor_check_limits,
	doctor_check_sysctls, doctor_check_privileges, doctor_check_devices, doctor_check_container,
};

static int doctor_main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct findings findings;
	bool json = false;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j': json = true; break;
		case 'h': return command_help(&cmd_doctor);
		default: return command_misuse(&cmd_doctor);
		}
	}
	if (optind < argc)
		return command_misuse(&cmd_doctor);
	for (size_t i = 0; i < sizeof(doctor_checks) / sizeof(doctor_checks[0]); i++)
		doctor_checks[i](&findings);
	if (json)
		findings_print_json(&findings);
	else
		findings_print_text(&findings);
	return findings_count(&findings, FINDINGS_NEEDED) ? STATUS_FAILED : STATUS_DONE;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.args = "[--json]",
	.line = "say what this machine has for contiguous memory, and what it lacks",
	.options =
		"  --json           as JSON\n"
		"\n"
		"Lines are ok, note, lack, or LACK: a lack that a program under the default\n"
		"policy feels (an old kernel, no library, no huge pages of any kind, no room for\n"
		"addresses).\n"
		"exit status: 0 no LACK, 1 a LACK, 2 used wrongly\n",
	.run = doctor_main,
};
