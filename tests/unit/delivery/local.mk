# SPDX-License-Identifier: Apache-2.0
delivery_unit_tests = \
	tests/unit/delivery/test_sink
check_PROGRAMS += $(delivery_unit_tests)
TESTS += $(delivery_unit_tests)

tests_unit_delivery_test_sink_SOURCES = tests/unit/delivery/test_sink.c
