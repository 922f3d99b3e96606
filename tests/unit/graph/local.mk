# SPDX-License-Identifier: Apache-2.0
graph_suites = \
	tests/unit/graph/test_graph.c \
	tests/unit/graph/test_input.c
unit_suites += $(graph_suites)
unit_parts += tests/unit/oracle.h
