# SPDX-License-Identifier: Apache-2.0
guard_suites = \
	tests/unit/guard/test_cpu_guard.c \
	tests/unit/guard/test_guard.c \
	tests/unit/guard/test_rate_limit.c \
	tests/unit/guard/test_ratio.c
unit_suites += $(guard_suites)
unit_parts += tests/unit/oracle.h
