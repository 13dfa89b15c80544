# SPDX-License-Identifier: MIT
# What Debian 12 packages each part needs, and how they get here.

.PHONY: deps deps-check
deps: ## install the packages that are missing (as root; else print the command)
	@:
deps-check: ## name the packages that the build misses
	@:
