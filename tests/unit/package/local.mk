# SPDX-License-Identifier: Apache-2.0
package_unit_tests = \
	tests/unit/package/test_allowance \
	tests/unit/package/test_line_reader \
	tests/unit/package/test_debug_package \
	tests/unit/package/test_package_lists \
	tests/unit/package/test_purl \
	tests/unit/package/test_rpm_starter \
	tests/unit/package/test_rpm_turns \
	tests/unit/package/test_rust_crate
check_PROGRAMS += $(package_unit_tests)
TESTS += $(package_unit_tests)

tests_unit_package_test_allowance_SOURCES = tests/unit/package/test_allowance.c
tests_unit_package_test_line_reader_SOURCES = tests/unit/package/test_line_reader.c tests/unit/oracle.h
tests_unit_package_test_debug_package_SOURCES = tests/unit/package/test_debug_package.c
tests_unit_package_test_package_lists_SOURCES = tests/unit/package/test_package_lists.c \
	tests/unit/package/fake_rpm.h
tests_unit_package_test_rpm_starter_SOURCES = tests/unit/package/test_rpm_starter.c \
	tests/unit/package/fake_rpm.h
tests_unit_package_test_rpm_turns_SOURCES = tests/unit/package/test_rpm_turns.c
tests_unit_package_test_purl_SOURCES = tests/unit/package/test_purl.c
tests_unit_package_test_rust_crate_SOURCES = tests/unit/package/test_rust_crate.c

# Asks for packages what a script wants to compare with dpkg.
check_PROGRAMS += tests/unit/package/package_query
tests_unit_package_package_query_SOURCES = tests/unit/package/package_query.c
package_scripts = tests/e2e/packages.py tests/e2e/packages_rpm.py tests/e2e/chroots.py \
	tests/e2e/hostile_roots.py tests/e2e/hostile_rpm.py
TESTS += $(package_scripts)
EXTRA_DIST += tests/e2e/package_lib.py tests/e2e/rpm_lib.py $(package_scripts)
$(package_scripts:.py=.log): src/rtsample$(EXEEXT) tests/unit/package/package_query$(EXEEXT) \
	tests/unit/binary/object_query$(EXEEXT)
if HAVE_LIBRPM
# It looks for this one beside itself, as rtsample does.
check_PROGRAMS += tests/unit/package/rtsample-rpm
tests_unit_package_rtsample_rpm_SOURCES = $(rpm_lister_sources)
tests_unit_package_rtsample_rpm_LDADD = librtsample.a $(RPM_LIBS) $(SECCOMP_LIBS)
tests/e2e/packages_rpm.log tests/e2e/hostile_rpm.log: tests/unit/package/rtsample-rpm$(EXEEXT)
endif
