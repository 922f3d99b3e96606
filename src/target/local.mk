# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/target/attach.c src/target/attach.h \
	src/target/command.c src/target/command.h \
	src/target/group.c src/target/group.h \
	src/target/ladder.c src/target/ladder.h \
	src/target/pids.c src/target/pids.h \
	src/target/rejoin.c src/target/rejoin.h \
	src/target/take_in.c src/target/take_in.h \
	src/target/target.h \
	src/target/turn.c src/target/turn.h \
	src/target/unseen.c src/target/unseen.h
