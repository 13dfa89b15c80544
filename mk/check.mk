# SPDX-License-Identifier: MIT
# Everything that tests, measures or shows.
