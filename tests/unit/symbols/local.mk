# SPDX-License-Identifier: Apache-2.0
symbols_suites = \
	tests/unit/symbols/test_demangle.c \
	tests/unit/symbols/test_symbol_file.c \
	tests/unit/symbols/test_symbol_id.c
unit_suites += $(symbols_suites)

# It has functions of its own in the place of another stage's, so it is a program of its own.
unit_programs += tests/unit/symbols/test_symbol
tests_unit_symbols_test_symbol_SOURCES = tests/unit/symbols/test_symbol.c tests/unit/unit.c
unit_parts += tests/unit/oracle.h
