# SPDX-License-Identifier: MIT
# make install uninstall DESTDIR= PREFIX=
