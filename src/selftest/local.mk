# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/selftest/alone.c src/selftest/alone.h \
	src/selftest/forms.c src/selftest/forms.h \
	src/selftest/judge.c src/selftest/judge.h \
	src/selftest/rounds.c src/selftest/rounds.h \
	src/selftest/selftest.c src/selftest/selftest.h \
	src/selftest/subject.c src/selftest/subject.h
