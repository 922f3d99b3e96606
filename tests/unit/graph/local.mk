# SPDX-License-Identifier: Apache-2.0
graph_unit_tests = \
	tests/unit/graph/test_graph \
	tests/unit/graph/test_input
check_PROGRAMS += $(graph_unit_tests)
TESTS += $(graph_unit_tests)

tests_unit_graph_test_graph_SOURCES = tests/unit/graph/test_graph.c tests/unit/oracle.h
tests_unit_graph_test_input_SOURCES = tests/unit/graph/test_input.c tests/unit/oracle.h
