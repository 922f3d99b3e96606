# SPDX-License-Identifier: Apache-2.0
sealing_unit_tests = \
	tests/unit/sealing/test_calls \
	tests/unit/sealing/test_capabilities \
	tests/unit/sealing/test_origin \
	tests/unit/sealing/test_seal
check_PROGRAMS += $(sealing_unit_tests)
TESTS += $(sealing_unit_tests)

tests_unit_sealing_test_calls_SOURCES = tests/unit/sealing/test_calls.c
tests_unit_sealing_test_capabilities_SOURCES = tests/unit/sealing/test_capabilities.c
tests_unit_sealing_test_origin_SOURCES = tests/unit/sealing/test_origin.c
tests_unit_sealing_test_seal_SOURCES = tests/unit/sealing/test_seal.c
