# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/facts/account.c src/facts/account.h \
	src/facts/stack_table.c src/facts/stack_table.h \
	src/facts/window.c src/facts/window.h
