# SPDX-License-Identifier: Apache-2.0
outlets_suites = \
	tests/unit/outlets/test_held_lines.c
unit_suites += $(outlets_suites)
