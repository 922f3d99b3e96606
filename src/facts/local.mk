# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/facts/account.c src/facts/account.h \
	src/facts/account_json.c \
	src/facts/budget.c src/facts/budget.h \
	src/facts/checked_line.c src/facts/checked_line.h \
	src/facts/evidence.c src/facts/evidence.h \
	src/facts/metrics.c src/facts/metrics.h \
	src/facts/nameless.c src/facts/nameless.h \
	src/facts/observed_graph.c src/facts/observed_graph.h \
	src/facts/opinions.c src/facts/opinions.h \
	src/facts/outgoing.c src/facts/outgoing.h \
	src/facts/selftest_facts.c src/facts/selftest_facts.h \
	src/facts/stack_table.c src/facts/stack_table.h \
	src/facts/window.c src/facts/window.h
