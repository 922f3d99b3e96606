# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/graph/graph.c src/graph/graph.h \
	src/graph/input.c src/graph/input.h \
	src/graph/load.c \
	src/graph/node.c src/graph/node.h
