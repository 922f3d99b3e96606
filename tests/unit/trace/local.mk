# SPDX-License-Identifier: Apache-2.0
trace_suites = \
	tests/unit/trace/test_attrs.c \
	tests/unit/trace/test_file_header.c \
	tests/unit/trace/test_inflate.c \
	tests/unit/trace/test_input.c \
	tests/unit/trace/test_note.c \
	tests/unit/trace/test_order.c
unit_suites += $(trace_suites)
unit_parts += tests/unit/oracle.h
