# SPDX-License-Identifier: Apache-2.0
# A program of its own: whatever an rpm database does to librpm, it does not do to rtsample.
rpm_lister_sources = src/rpm/main.c src/rpm/confine.c src/rpm/confine.h
EXTRA_DIST += $(rpm_lister_sources)
if HAVE_LIBRPM
pkglibexec_PROGRAMS = src/rtsample-rpm
src_rtsample_rpm_SOURCES = $(rpm_lister_sources)
src_rtsample_rpm_LDADD = librtsample.a $(RPM_LIBS) $(SECCOMP_LIBS)
AM_CPPFLAGS += $(RPM_CFLAGS) -DRTS_LIBEXECDIR='"$(pkglibexecdir)"'
endif
