# SPDX-License-Identifier: Apache-2.0
# Sources and headers of broker/, appended to librtsample_a_SOURCES.
librtsample_a_SOURCES += \
	src/broker/broker.c src/broker/broker.h \
	src/broker/channel.c src/broker/channel.h \
	src/broker/file_system.c src/broker/file_system.h \
	src/broker/folder.c src/broker/folder.h \
	src/broker/given_up.c src/broker/given_up.h \
	src/broker/keeper.c src/broker/keeper.h \
	src/broker/keeper_link.c src/broker/keeper_link.h \
	src/broker/proc.c src/broker/proc.h \
	src/broker/proc_direct.c src/broker/proc_direct.h \
	src/broker/proc_limits.h \
	src/broker/rights.c src/broker/rights.h \
	src/broker/sealed_copy.c src/broker/sealed_copy.h \
	src/broker/setup.h \
	src/broker/tree.c src/broker/tree.h \
	src/broker/tree_direct.c src/broker/tree_direct.h \
	src/broker/tree_place.h \
	src/broker/memory_window.c src/broker/memory_window.h \
	src/broker/wire.c src/broker/wire.h \
	src/broker/worker.c src/broker/worker.h
