# SPDX-License-Identifier: Apache-2.0
# The programs that the scenarios sample. The scenarios build them with tests/programs/build, each in
# its own way, so they are only shipped here.
EXTRA_DIST += \
	tests/programs/build \
	tests/programs/program.h \
	tests/programs/aliases.c \
	tests/programs/big_frame.c \
	tests/programs/brief.c \
	tests/programs/busy.c \
	tests/programs/chain.c \
	tests/programs/churn.c \
	tests/programs/coroutine.c \
	tests/programs/deep_stack.c \
	tests/programs/exceptions.cpp \
	tests/programs/family.c \
	tests/programs/fuse_hang.c \
	tests/programs/inlines.cpp \
	tests/programs/jailed.c \
	tests/programs/jit.c \
	tests/programs/keeper.c \
	tests/programs/leaderless.c \
	tests/programs/mangled.c \
	tests/programs/noreturn.c \
	tests/programs/other_abi.c \
	tests/programs/plt.c \
	tests/programs/plugin.c \
	tests/programs/plugin_host.c \
	tests/programs/prologues.c \
	tests/programs/realign.c \
	tests/programs/recursion.c \
	tests/programs/remapped.c \
	tests/programs/restorer.c \
	tests/programs/roots.c \
	tests/programs/shares.c \
	tests/programs/short_run.c \
	tests/programs/signal_count.c \
	tests/programs/signals.c \
	tests/programs/storm.c \
	tests/programs/tail_call.c \
	tests/programs/threads.c \
	tests/programs/two_lives.c \
	tests/programs/vdso.c
