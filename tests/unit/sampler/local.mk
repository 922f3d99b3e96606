# SPDX-License-Identifier: Apache-2.0
sampler_unit_tests = \
	tests/unit/sampler/test_code_map
check_PROGRAMS += $(sampler_unit_tests)
TESTS += $(sampler_unit_tests)

tests_unit_sampler_test_code_map_SOURCES = tests/unit/sampler/test_code_map.c tests/unit/unwind/own_code.h
