# SPDX-License-Identifier: Apache-2.0
package_suites = \
	tests/unit/package/test_allowance.c \
	tests/unit/package/test_debug_package.c \
	tests/unit/package/test_line_reader.c \
	tests/unit/package/test_package_lists.c \
	tests/unit/package/test_purl.c \
	tests/unit/package/test_rpm_starter.c \
	tests/unit/package/test_rpm_turns.c \
	tests/unit/package/test_rust_crate.c
unit_suites += $(package_suites)
unit_parts += tests/unit/oracle.h \
	tests/unit/package/fake_rpm.h

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
