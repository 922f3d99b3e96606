# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/sealing/calls.c src/sealing/calls.h \
	src/sealing/capabilities.c src/sealing/capabilities.h \
	src/sealing/filter.c src/sealing/filter.h \
	src/sealing/kinds.c src/sealing/kinds.h \
	src/sealing/origin.c src/sealing/origin.h \
	src/sealing/reach.c src/sealing/reach.h \
	src/sealing/seal.c src/sealing/seal.h
