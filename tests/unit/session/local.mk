# SPDX-License-Identifier: Apache-2.0
session_suites = \
	tests/unit/session/test_line.c
unit_suites += $(session_suites)
