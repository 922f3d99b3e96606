# SPDX-License-Identifier: Apache-2.0
selftest_suites = \
	tests/unit/selftest/test_selftest.c
unit_suites += $(selftest_suites)
