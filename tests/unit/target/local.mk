# SPDX-License-Identifier: Apache-2.0
target_suites = \
	tests/unit/target/test_command.c
unit_suites += $(target_suites)
