# SPDX-License-Identifier: Apache-2.0
identity_unit_tests = \
	tests/unit/identity/test_demangle \
	tests/unit/identity/test_symbol \
	tests/unit/identity/test_symbol_file \
	tests/unit/identity/test_symbol_id
check_PROGRAMS += $(identity_unit_tests)
TESTS += $(identity_unit_tests)

tests_unit_identity_test_demangle_SOURCES = tests/unit/identity/test_demangle.c tests/unit/oracle.h
tests_unit_identity_test_symbol_SOURCES = tests/unit/identity/test_symbol.c tests/unit/oracle.h
tests_unit_identity_test_symbol_file_SOURCES = tests/unit/identity/test_symbol_file.c tests/unit/oracle.h
tests_unit_identity_test_symbol_id_SOURCES = tests/unit/identity/test_symbol_id.c tests/unit/oracle.h
