# SPDX-License-Identifier: Apache-2.0
# Sources and headers of broker/, appended to librtsample_a_SOURCES.
librtsample_a_SOURCES += \
	src/broker/file_system.c src/broker/file_system.h \
	src/broker/rights.c src/broker/rights.h \
	src/broker/sealed_copy.c src/broker/sealed_copy.h \
	src/broker/tree.c src/broker/tree.h \
	src/broker/tree_direct.c src/broker/tree_direct.h
