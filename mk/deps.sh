#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh check|install PACKAGE...
#
# check: print the one command that installs what is missing and exit 1; exit 0 if all is there.
# install: as root, install what is missing; otherwise as check.
#
# Nothing is started: while apt-get runs, /usr/sbin/policy-rc.d refuses every daemon, and
# PostgreSQL is told not to create a cluster. Both are put back as they were, also on failure.

set -u

policy=/usr/sbin/policy-rc.d
cluster_dir=/etc/postgresql-common/createcluster.d
lock=/run/lock/contig-deps.lock

missing_packages() {
	have=$(dpkg-query -W -f '${db:Status-Status}:${Package}:\n' "$@" 2>/dev/null |
		grep '^installed:')
	for package; do
		case $have in
		*":$package:"*) ;;
		*) printf ' %s' "$package" ;;
		esac
	done
}

put_back() {
	if [ -n "$placed" ]; then
		rm -f "$policy" "$cluster_dir/contig.conf"
		[ -e "$policy.contig-saved" ] && mv "$policy.contig-saved" "$policy"
		[ -z "$made_dir" ] || rmdir "$cluster_dir" 2>/dev/null
	fi
	placed=
}

refuse_daemons() {
	# A saved file from a run that was killed is the one to put back.
	if [ -e "$policy" ] && [ ! -e "$policy.contig-saved" ]; then
		mv "$policy" "$policy.contig-saved" || return 1
	fi
	placed=1
	printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" || return 1
	if [ ! -d "$cluster_dir" ]; then
		made_dir=1
		mkdir -p "$cluster_dir" || return 1
	fi
	echo 'create_main_cluster = off' >"$cluster_dir/contig.conf"
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
		-o Dpkg::Use-Pty=0 "$@" </dev/null
}

install_packages() {
	set -- install --no-install-recommends -o Dpkg::Options::=--force-confold "$@"
	if ! ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1; then
		apt update || return 1
		apt "$@"
		return
	fi
	# Lists that are there may be too old to fetch by.
	apt "$@" || { apt update && apt "$@"; }
}

mode=$1
shift
if ! command -v dpkg-query >/dev/null; then
	echo "deps: no dpkg here; on Debian 12 the packages are: $*" >&2
	exit 0
fi
missing=$(missing_packages "$@")
[ -n "$missing" ] || exit 0
if [ "$mode" != install ] || [ "$(id -u)" -ne 0 ]; then
	sudo=
	[ "$(id -u)" -eq 0 ] || sudo='sudo '
	echo "${sudo}apt-get install -y --no-install-recommends$missing"
	exit 1
fi

placed=
made_dir=
trap put_back EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
exec 9>"$lock" && flock 9 || exit 1
refuse_daemons || exit 1
# shellcheck disable=SC2086 # a list of words
install_packages $missing
